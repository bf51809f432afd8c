"""Lets an op on tensors take numpy arrays too, and answer in kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

import numpy as np
import torch

from nnz.backend.op_checks import arguments, dtype_of
from nnz.backend.spec import FUNCTIONS
from nnz.numbers import precisions


def checked(op: Callable, arithmetic: Mapping[str, type]) -> Callable:
    """The op, its arguments checked against its entry in the spec; tensors come back only if tensors went in."""
    function = FUNCTIONS[op.__name__]

    @wraps(op)
    def call(*values, precision: str = precisions.NATIVE):
        in_tensors = any(isinstance(value, torch.Tensor) for value in values)
        values, _ = arguments(function, values)
        device = next((value.device.type for value in values if isinstance(value, torch.Tensor)), "cpu")
        by = arithmetic[precisions.checked(precision, dtype_of(function, values), device)]
        result = op(*(torch.from_numpy(value) if isinstance(value, np.ndarray) else value for value in values), by=by)
        if in_tensors or result is None:
            return result
        results = [_as_numpy(tensor) for tensor in (result if isinstance(result, tuple) else (result,))]
        return results[0] if len(results) == 1 else tuple(results)

    return call


def _as_numpy(tensor: torch.Tensor) -> np.ndarray | float:
    return tensor.item() if tensor.ndim == 0 else tensor.numpy()
