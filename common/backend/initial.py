"""The initial weights, drawn once here, so that every backend starts from the same bytes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from math import prod, sqrt
from operator import is_

import numpy as np

from ..numbers.rng import RNG
from .reuse import aligned


def mlp_shapes(vocab_size: int, context_length: int, embedding_size: int, hidden_size: int) -> dict[str, tuple]:
    """Names and shapes of the MLP's parameters, in the order in which they are drawn and stored."""
    V, T, E, H = vocab_size, context_length, embedding_size, hidden_size
    return {
        "wte": (V, E),
        "fc1.weight": (H, T * E),
        "fc1.bias": (H,),
        "fc2.weight": (V, H),
        "fc2.bias": (V,),
    }


def mlp_parameters(shapes: dict[str, tuple], rng: RNG, dtype: str) -> dict[str, np.ndarray]:
    """Draw the MLP's weights: `wte` from N(0, 1), a linear layer's weight and bias from U(±1/sqrt(fan in)).

    Drawn in float64 and rounded to `dtype`; all are views into one flat array, in the order of `shapes`.
    The uniform start is that of torch.nn.Linear (He et al. 2015, with a = sqrt(5)).
    """
    flat = np.frombuffer(aligned(sum(map(prod, shapes.values())), dtype), dtype)
    parameters = FlatViews(flat, shapes)
    parameters["wte"][...] = rng.normal(shapes["wte"])
    for layer in ("fc1", "fc2"):
        bound = 1 / sqrt(shapes[f"{layer}.weight"][1])
        for name in (f"{layer}.weight", f"{layer}.bias"):
            parameters[name][...] = rng.uniform(-bound, bound, shapes[name])
    return parameters


def linear(M: int, N: int, bias: bool, rng: RNG, dtype: str, gain: float | None = None) -> dict[str, np.ndarray]:
    """Draw `weight` (M, N), then `bias` (M,), from U(±1/sqrt(N)); with a gain, the weight from N(0, gain²/N), no bias.

    In float64, then rounded to `dtype` (He et al. 2015).
    """
    bound = 1 / sqrt(N)
    if gain is None:
        shapes = {"weight": (M, N), "bias": (M,)} if bias else {"weight": (M, N)}
        return {name: rng.uniform(-bound, bound, shape, dtype) for name, shape in shapes.items()}
    weight = (rng.normal((M, N)) * (gain * bound)).astype(dtype)
    return {"weight": weight, "bias": np.zeros(M, dtype)} if bias else {"weight": weight}


class FlatViews(dict):
    """Named views of one flat array, of the given shapes, one after the other: to whoever takes them a dict."""

    def __init__(self, flat: np.ndarray, shapes: Mapping[str, tuple]) -> None:
        start = 0
        for name, shape in shapes.items():
            end = start + prod(shape)
            self[name], start = flat[start:end].reshape(shape), end
        self._flat, self._made, self._layout = flat, tuple(self.values()), tuple(shapes.items())

    def flat(self, shapes: Mapping[str, tuple], dtype: np.dtype) -> np.ndarray | None:
        """The flat array; None if it is of other shapes, in another order or of another dtype, or if since it was made
        the dict was changed, or copied and its views with it."""
        if list(self) != list(shapes) or not all(map(is_, self.values(), self._made)):
            return None
        if any(view.base is not self._flat for view in self._made):
            return None
        return self._flat if self._flat.dtype == dtype and self._layout == tuple(shapes.items()) else None


def flat_array(views: Iterable[np.ndarray]) -> np.ndarray | None:
    """The flat array that `FlatViews` cut into these, all of it and in this order; None for any other arrays."""
    views = list(views)
    flat = getattr(views[0], "base", None) if views else None
    if not isinstance(flat, np.ndarray) or flat.ndim != 1 or not flat.flags.carray:
        return None
    end = start = _address(flat)
    for view in views:
        if view.base is not flat or not view.flags.carray or view.dtype != flat.dtype or _address(view) != end:
            return None
        end += view.nbytes
    return flat if end == start + flat.nbytes else None


def _address(array: np.ndarray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(array))  # a third of the time that array.ctypes.data takes
