"""Token ids on their way in: checked before anything is computed with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnz.backend.gpt_config import GPTConfig


def as_ids(
    name: str,
    ids: Any,
    config: GPTConfig,
    device: torch.device,
    past: int = 0,
    shape: tuple[int, ...] | None = None,
) -> Tensor:
    """ids (B, T) of any integer dtype -> the same as an int64 tensor on the device, uncopied if it is one.

    Raises TypeError if they are not integers; ValueError if they are not (B, T), or of `shape`, or empty, if one lies
    outside 0 .. V-1, or if `past` tokens and these are more than the context holds.
    """
    if not isinstance(ids, Tensor):
        ids = np.asarray(ids)
        if not np.issubdtype(ids.dtype, np.integer):
            raise TypeError(f"{name} must hold integers, not {ids.dtype}")
        ids = torch.tensor(ids.astype(np.int64, copy=False))
    elif ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers, not {str(ids.dtype).removeprefix('torch.')}")
    _check_shape(name, tuple(ids.shape), config.context_length, past, shape)
    ids = ids.to(torch.int64)
    # Compiled code cannot branch on values: who compiles checks the data once, before. On CUDA torch's kernels watch.
    if not torch.compiler.is_compiling():
        _check_range(name, ids, config.vocab_size)
    return ids.to(device)


def _check_shape(
    name: str, got: tuple[int, ...], context_length: int, past: int, shape: tuple[int, ...] | None
) -> None:
    if shape is not None and got != tuple(shape):
        raise ValueError(f"{name} must have the shape {tuple(shape)} of idx; got {got}")
    if len(got) != 2:
        raise ValueError(f"{name} must have shape (B, T); got {got}")
    if 0 in got:
        raise ValueError(f"{name} is empty, shape {got}; give at least one token")
    if past + got[1] > context_length:
        after = f" after {past} in the cache" if past else ""
        raise ValueError(f"{name} has {got[1]} tokens a row{after}; the context_length is {context_length}")


def _check_range(name: str, ids: Tensor, vocab_size: int) -> None:
    lowest, highest = torch.aminmax(ids)
    if lowest < 0 or highest >= vocab_size:
        b, t = ((ids < 0) | (ids >= vocab_size)).nonzero()[0].tolist()
        raise ValueError(f"{name}[{b}, {t}] is {int(ids[b, t])}; token ids run from 0 to {vocab_size - 1}")
