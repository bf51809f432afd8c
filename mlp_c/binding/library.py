"""The way from Python into the C kernels: arrays go in as pointers to their own memory, nothing is copied."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

try:
    from .._kernels import ffi, lib
except ImportError as error:
    raise ImportError(
        "nnz.c is not built on this machine: install a C compiler (Debian: apt install gcc; macOS: xcode-select "
        "--install) and install nnz again (pip: --force-reinstall --no-cache-dir), or take --backend numpy"
    ) from error

KERNELS = {"native": "native", "strict": "strict"}  # which of the kernels computes in which precision
POINTERS = {np.dtype(name): ffi.typeof(c) for name, c in {"f4": "float[]", "f8": "double[]", "i4": "int32_t[]"}.items()}


def pointer(array: np.ndarray | None):
    """Where a C-contiguous array begins, NULL for None; the array lives as long as the pointer."""
    return ffi.NULL if array is None else ffi.from_buffer(POINTERS[array.dtype], array)


@cache
def kernel(name: str, dtype: np.dtype | str, kernels: str = "native") -> Callable:
    """The C function `name` for a dtype, of a set of kernels: native (those of fast/), strict, or plain (of ops/)."""
    sets = {"native": np.dtype(dtype).name, "plain": f"plain_{np.dtype(dtype).name}"}
    return getattr(lib, f"{name}_{sets.get(kernels, kernels)}")
