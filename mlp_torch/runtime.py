"""What torch computes with: the operations of each precision, devices, threads, and arrays as tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nnz.backend import checks
from nnz.backend.op_checks import checked_ops, joined

from . import gpt_ops, op_checks, ops, strict_gpt_ops, strict_ops
from .correct_rounding import TALLY
from .op_checks import as_tensor
from .ops import linear_forward

OPS = {"native": joined(ops, gpt_ops), "strict": joined(strict_ops, strict_gpt_ops)}
CHECKED_OPS = checked_ops(f"{__package__}.ops", OPS, op_checks.checked)  # as `nn.ops` has them


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    others = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}  # mps: the GPU of an Apple chip
    return ("cpu", *(name for name, is_there in others.items() if is_there()))


def strict_tally() -> tuple[int, int]:
    """How many results strict products and sums have rounded in this process, and how many they summed exactly."""
    return TALLY.read()


def set_threads(n: int) -> None:
    """Let torch use `n` threads in this process from now on. Raises TypeError or ValueError unless n is from 1 to 1024.

    A child that is forked after torch has used two threads waits for ever at its first operation, unless it first sets
    one: torch's threads are not forked with it.
    """
    torch.set_num_threads(checks.threads(n))


def as_array(tensor: Tensor) -> np.ndarray | Tensor:
    """The same memory as a numpy array, where numpy can see it; a tensor elsewhere."""
    return tensor.numpy() if tensor.device.type == "cpu" else tensor


def token_ids(
    name: str, ids: np.ndarray | Tensor, shape: tuple[int | None, ...], vocab_size: int, device: str
) -> Tensor:
    """A copy of the ids as int32 on the device; a tensor is checked where it is. Raises as checks.token_ids does."""
    if not isinstance(ids, Tensor):
        return torch.tensor(checks.token_ids(name, ids, shape, vocab_size), device=device)
    integers = not (ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool)
    fits = ids.dim() == len(shape) and all(n in (None, got) for n, got in zip(shape, ids.shape, strict=True))
    if not (integers and fits and ids.numel() and _all_below(ids, vocab_size)):
        checks.token_ids(name, ids.detach().cpu(), shape, vocab_size)  # says what is wrong
    return ids.to(device, torch.int32, copy=True).contiguous()


def _all_below(ids: Tensor, vocab_size: int) -> bool:
    lowest, highest = torch.aminmax(ids.to(torch.int64))  # of unsigned numbers torch finds none
    return bool(lowest >= 0 and highest < vocab_size)


def copy_into(destination: Tensor, source: np.ndarray | Tensor) -> None:
    """Overwrite a tensor, whatever autograd thinks of it."""
    destination.detach().copy_(as_tensor(source))


def block_sizes(dtype: str) -> dict[str, tuple[int, ...]]:
    """The sizes at which a computation goes another way: none that this backend knows of, torch has its own."""
    return {}


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
