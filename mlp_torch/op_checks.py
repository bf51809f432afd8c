"""Lets an op on tensors take numpy arrays too, and answer in kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np
import torch

from nnz.backend.op_checks import arguments, function_of
from nnz.backend.spec import FUNCTIONS
from nnz.numbers import precisions


def checked(name: str, by_precision: Mapping[str, Any]) -> Callable:
    """The op `name`, its arguments checked against its entry in the spec; it gives tensors only if it took some."""
    function = FUNCTIONS[name]

    @wraps(getattr(by_precision[precisions.NATIVE], name))
    def call(*values, precision: str = precisions.NATIVE):
        in_tensors = any(isinstance(value, torch.Tensor) for value in values)
        values, _ = arguments(function, values)
        device = next((value.device.type for value in values if isinstance(value, torch.Tensor)), "cpu")
        run = function_of(by_precision, precision, function, values, device)
        tensors = (as_tensor(value) if isinstance(value, np.ndarray) else value for value in values)
        result = run(*tensors)
        if in_tensors or result is None:
            return result
        return tuple(map(_as_numpy, result)) if isinstance(result, tuple) else _as_numpy(result)

    return call


def as_tensor(array: np.ndarray | torch.Tensor) -> torch.Tensor:
    """The same memory as a tensor; a copy of an array that torch cannot see so: backwards, of the other byte order."""
    if not isinstance(array, np.ndarray):
        return torch.as_tensor(array)
    if not (array.dtype.isnative and array.flags.behaved and min(array.strides, default=1) > 0):
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(array)


def _as_numpy(tensor: torch.Tensor | None) -> np.ndarray | float | None:
    if tensor is None:
        return None
    return tensor.item() if tensor.ndim == 0 else tensor.numpy()
