"""Where torch computes, with how many threads, and how arrays cross its border."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nnz.backend import checks

from .arithmetic import TALLY
from .ops.linear import linear_forward


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def strict_tally() -> tuple[int, int]:
    """How many results strict products and sums have rounded in this process, and how many they summed exactly."""
    return TALLY.read()


def set_threads(n: int) -> None:
    """Let torch use `n` threads in this process from now on. Raises TypeError or ValueError unless n is from 1."""
    torch.set_num_threads(checks.positive_int("threads", n))


def as_array(tensor: Tensor) -> np.ndarray | Tensor:
    """The same memory as a numpy array, where numpy can see it; a tensor elsewhere."""
    return tensor.numpy() if tensor.device.type == "cpu" else tensor


def as_tensor(array: np.ndarray | Tensor) -> Tensor:
    """The same memory as a tensor; a copy of an array that torch cannot see so: backwards, of the other byte order."""
    if not isinstance(array, np.ndarray):
        return torch.as_tensor(array)
    if not (array.dtype.isnative and array.flags.behaved and min(array.strides, default=1) > 0):
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(array)


def copy_into(destination: Tensor, source: np.ndarray | Tensor) -> None:
    """Overwrite a tensor, whatever autograd thinks of it."""
    destination.detach().copy_(as_tensor(source))


def built_with() -> str:
    """Return what torch says of its compiler, its libraries and the vector instructions it uses here."""
    return " ".join(torch.__config__.show().split())


def prepared(name: str, *arrays: np.ndarray) -> Callable[[], object]:
    """Return a call of linear_forward or linear_backward on arrays, to time it as in a step: the forward of the latter
    has been, and autograd goes back."""
    tensors = [as_tensor(array) for array in arrays]
    if name == "linear_forward":
        return partial(linear_forward, *(tensor.requires_grad_() for tensor in tensors))
    dy, x, w = tensors
    leaves = [leaf.requires_grad_() for leaf in (x, w, dy.new_zeros(dy.shape[1]))]
    return partial(torch.autograd.grad, linear_forward(*leaves), leaves, dy, retain_graph=True)
