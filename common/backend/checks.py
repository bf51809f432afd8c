"""What every backend refuses, and in which words. Each check runs before any kernel and copies nothing it need not."""

from __future__ import annotations

import numbers
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import prod
from typing import NamedTuple, TypeVar

import numpy as np

from ..files.errors import quoted
from ..numbers.rng import RNG
from .limits import LARGEST_SIZE, MOST_THREADS

DTYPES = ("float32", "float64")
INT32, UINT32 = np.dtype(np.int32), np.dtype(np.uint32)
NUMBERS = re.compile("(u?int|b?float)(8|16|32|64)")
Saved = TypeVar("Saved")


class Sizes(NamedTuple):
    """The MLP's sizes: vocabulary, context, embedding, hidden."""

    V: int
    T: int
    E: int
    H: int


def positive_int(name: str, value: object) -> int:
    """Return `value` as an int. Raises TypeError if it is not an integer, ValueError if it is below 1."""
    return _integer(name, value, least=1)


def heads(n_embd: int, n_head: int) -> None:
    """Raises ValueError unless each head has the same share of the embedding."""
    if n_embd % n_head:
        raise ValueError(f"n_embd must be a multiple of n_head; got {n_embd} for {n_head} heads")


def threads(value: object) -> int:
    """Return a number of threads as an int. Raises as `positive_int` does, and beyond what any machine has use for."""
    return _integer("threads", value, 1, MOST_THREADS)


def count(name: str, value: object) -> int:
    """Return `value` as an int. Raises TypeError if it is not an integer, ValueError if it is below 0."""
    return _integer(name, value, least=0)


def uint64(name: str, value: object) -> int:
    """Return `value` as an int. Raises TypeError if it is not an integer, ValueError outside 0 .. 2^64 - 1."""
    return _integer(name, value, 0, 2**64 - 1)


def _integer(name: str, value: object, least: int, most: int = LARGEST_SIZE) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}; got {quoted(int(value))}")
    if value > most:
        raise ValueError(f"{name} must be at most {most}; got {quoted(int(value))}")
    return int(value)


def mlp_sizes(vocab_size: object, context_length: object, embedding_size: object, hidden_size: object) -> Sizes:
    """Return the four as (V, T, E, H); raises what `positive_int` raises."""
    return Sizes(
        positive_int("vocab_size", vocab_size),
        positive_int("context_length", context_length),
        positive_int("embedding_size", embedding_size),
        positive_int("hidden_size", hidden_size),
    )


def non_negative(name: str, value: object) -> float:
    """Return `value` as a float. Raises TypeError if it is not a real number, ValueError if negative or not finite."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    with suppress(OverflowError):  # of an integer too large for a float
        if value >= 0 and float(value) < float("inf"):
            return float(value)
    raise ValueError(f"{name} must be finite and at least 0; got {quoted(value) if isinstance(value, int) else value}")


def below_one(name: str, value: object) -> float:
    """Return a rate, such as one of Adam's betas, as a float. Raises as `non_negative` does, and ValueError from 1."""
    if (rate := non_negative(name, value)) >= 1:
        raise ValueError(f"{name} must be below 1; got {value}")
    return rate


def flag(name: str, value: object) -> bool:
    """Return `value` as a bool. Raises TypeError unless it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")
    return bool(value)


def dtype_name(dtype: object) -> str:
    """Return "float32" or "float64" for a name, a numpy dtype or a torch dtype. Raises ValueError for any other."""
    name = str(dtype).removeprefix("torch.")
    with suppress(TypeError):
        name = name if name in DTYPES else np.dtype(dtype).name
    if name not in DTYPES:
        raise ValueError(f"dtype must be float32 or float64; got {dtype!r}")
    return name


def generator(rng: object) -> RNG:
    """Return `rng`. Raises TypeError unless it is an nnz.RNG."""
    if not isinstance(rng, RNG):
        raise TypeError(f"rng must be an nnz.RNG, such as nnz.RNG(1337); got {type(rng).__name__}")
    return rng


def available_device(device: object, devices: tuple[str, ...]) -> str:
    """Return `device`. Raises ValueError unless the backend has it on this machine."""
    if device not in devices:
        raise ValueError(f"device must be one of {', '.join(devices)} here; got {device!r}")
    return device


def token_ids(name: str, ids: object, shape: tuple[int | None, ...], vocab_size: int) -> np.ndarray:
    """Return `ids` as a C-contiguous int32 array, uncopied if it is one.

    A None in `shape`, which is (B, T) or (B,), stands for any length from 1. Raises TypeError if the ids are not
    integers, ValueError if their shape differs, if there are none, or if one lies outside 0 .. vocab_size - 1.
    """
    if _are_ids(ids, shape, vocab_size):
        return ids
    array = np.asarray(ids)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, not {array.dtype}")
    if array.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        axes = [letter if n is None else str(n) for letter, n in zip("BT", shape, strict=False)]
        wanted = f"({axes[0]},)" if len(axes) == 1 else f"({', '.join(axes)})"
        raise ValueError(f"{name} must have shape {wanted}; got {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is an empty batch, shape {array.shape}; give at least one row")
    outside = (array < 0) | (array >= vocab_size)
    if outside.any():
        index = np.argwhere(outside)[0].tolist()
        value, place = array[tuple(index)], ", ".join(map(str, index))
        raise ValueError(f"{name}[{place}] is {value}; token ids run from 0 to {vocab_size - 1}")
    return np.require(array, np.int32, ["C", "A"])


def _are_ids(ids: object, shape: tuple[int | None, ...], vocab_size: int) -> bool:
    """Whether they are as a data set gives them, which is soon told; what is wrong with them otherwise is not."""
    if type(ids) is not np.ndarray or ids.dtype is not INT32 or ids.ndim != len(shape) or not ids.size:
        return False
    lie_well = ids.flags.c_contiguous and ids.flags.aligned
    fit = lie_well and all(n in (None, got) for n, got in zip(shape, ids.shape, strict=True))
    if not fit:
        return False
    unsigned = ids.view(UINT32)  # where one below 0 is huge; of a few numbers, argmax is found sooner than max
    return unsigned.item(unsigned.argmax()) < vocab_size


def batch(inputs: object, targets: object, context_length: int, vocab_size: int):
    """Return (inputs (B, T), targets (B,) or None) as int32; raises what `token_ids` raises."""
    inputs = token_ids("inputs", inputs, (None, context_length), vocab_size)
    if targets is not None:
        targets = token_ids("targets", targets, (len(inputs),), vocab_size)
    return inputs, targets


def more_than_one_row(shape: tuple[int, ...]) -> None:
    """Raises ValueError, in torch's words, if an x (..., C) has one row alone: its variance would be 0 / 0."""
    if prod(shape[:-1]) < 2:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {tuple(shape)}")


def named_arrays(what: str, arrays: object, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises TypeError unless `arrays` is a mapping of arrays that hold real numbers, ValueError unless it has these
    names and these shapes."""
    if not isinstance(arrays, Mapping):
        raise TypeError(f"{what} must be a dict of arrays by name; got {type(arrays).__name__}")
    for name in shapes:
        if name not in arrays:
            raise ValueError(f"{what} lacks {name!r}; it needs {', '.join(shapes)}")
    for name, array in arrays.items():
        if name not in shapes:
            known = f"is not one of {', '.join(shapes)}" if shapes else "has no place here"
            raise ValueError(f"{what} holds {name!r}, which {known}")
        if not hasattr(array, "shape"):
            raise TypeError(f"{what}[{name!r}] must be an array, not {type(array).__name__}")
        if tuple(array.shape) != tuple(shapes[name]):
            raise ValueError(f"{what}[{name!r}] must have shape {tuple(shapes[name])}; got {tuple(array.shape)}")
        if not NUMBERS.fullmatch(dtype := _dtype_of(array)):
            raise TypeError(f"{what}[{name!r}] must hold real numbers, not {dtype}")


def _dtype_of(array: object) -> str:
    """Return the name of an array's dtype, numpy's or torch's, whatever the order of its bytes."""
    dtype = getattr(array, "dtype", type(array).__name__)
    return getattr(dtype, "name", str(dtype).removeprefix("torch."))


def parameters(arrays: object) -> None:
    """Raises TypeError unless these are float32 or float64 arrays by name, ValueError unless each can be written to in
    place: C-contiguous, aligned and writeable."""
    if not isinstance(arrays, Mapping):
        raise TypeError(f"parameters must be a dict of arrays by name; got {type(arrays).__name__}")
    for name, array in arrays.items():
        if not hasattr(array, "dtype") or not hasattr(array, "shape"):
            raise TypeError(f"parameters[{name!r}] must be an array, not {type(array).__name__}")
        if (dtype := str(array.dtype).removeprefix("torch.")) not in DTYPES:
            raise TypeError(f"parameters[{name!r}] must be float32 or float64, not {dtype}")
        if isinstance(array, np.ndarray) and not array.flags.carray:
            how = "C-contiguous, aligned and writeable"
            raise ValueError(f"parameters[{name!r}] is written in place, so it must be {how}")


def gradients(grads: object, parameters: Mapping, shapes: Mapping[str, tuple[int, ...]], native: Callable) -> dict:
    """Return the gradients as the backend holds arrays. Raises what `named_arrays` raises, and ValueError if a
    gradient's dtype is not its parameter's."""
    if not isinstance(grads, Mapping) or grads.keys() != shapes.keys():
        named_arrays("grads", grads, shapes)
    natives = {name: native(grads[name]) for name in shapes}
    for name, gradient in natives.items():
        if gradient.shape != parameters[name].shape:
            named_arrays("grads", natives, shapes)
        if gradient.dtype != parameters[name].dtype:
            wanted, got = (str(array.dtype).removeprefix("torch.") for array in (parameters[name], gradient))
            raise ValueError(f"grads[{name!r}] must be {wanted}, not {got}")
    return natives


def forward_came_first(saved: Saved | None) -> Saved:
    """Return what the forward saved. Raises RuntimeError if `backward` is called before a `forward` with targets."""
    if saved is None:
        raise RuntimeError("backward needs a forward with targets first: call model(inputs, targets)")
    return saved
