"""The way from Python into the C kernels: arrays go in as pointers to their own memory, nothing is copied."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

try:
    from ._kernels import ffi, lib
except ImportError as error:
    raise ImportError(
        "nnz.c is not built on this machine: install a C compiler (Debian: apt install gcc; macOS: xcode-select "
        "--install) and install nnz again, or take --backend numpy"
    ) from error

POINTERS = {np.dtype(np.float32): "float *", np.dtype(np.float64): "double *", np.dtype(np.int32): "int32_t *"}


def pointer(array: np.ndarray | None):
    """Where a C-contiguous array begins, NULL for None. It is the caller who keeps the array alive during the call."""
    if array is None:
        return ffi.NULL
    return ffi.cast(POINTERS[array.dtype], array.__array_interface__["data"][0])


def kernel(name: str, dtype: np.dtype | str) -> Callable:
    """The C function `name`, compiled for `dtype`."""
    return getattr(lib, f"{name}_{np.dtype(dtype).name}")
