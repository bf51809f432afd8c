"""What the C kernels promise beyond their values, and no test through Python's interface can see.

Each check takes the backend's module and returns what is wrong, or nothing; a kernel that reads where it must not kills
the process.
"""

from __future__ import annotations

import ctypes
import importlib
import mmap
from collections.abc import Callable
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from nnz.backend import spec
from nnz.backend.op_checks import IDS, letters

Place = Callable[[np.ndarray], np.ndarray]

KERNELS = ("native", "plain")
SIZES = {"B": 4, "T": 3, "E": 5, "N": 7, "M": 11, "V": 9, "C": 6, "n": 20, "...": (4, 5)}
BATCHES = (1, SIZES["B"], 5)  # the last rows of a product are taken four at a time, or six
SCALARS = {"t": 1, "lr": 0.5, "weight_decay": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0, "momentum": 0.5}


def no_kernel_reads_outside_its_arrays(nn: ModuleType) -> str:
    """Every array ends, and then begins, at a page that may not be touched."""
    for dtype, kernels in product(("float32", "float64"), KERNELS):
        for B in BATCHES:
            for function in spec.MLP_FUNCTIONS.values():
                for place in (_at_the_end_of_a_page, _at_the_start_of_a_page):
                    _call(nn, function, _arrays(function, dtype, {**SIZES, "B": B}, place), dtype, kernels, B)
    return ""


def a_backward_adds_to_its_outputs(nn: ModuleType) -> str:
    """Called twice on the same outputs it leaves twice the gradient: exactly, since all numbers are small and whole."""
    for dtype, kernels in product(("float32", "float64"), KERNELS):
        for name, function in spec.MLP_FUNCTIONS.items():
            if name.endswith("_backward"):
                arrays = _arrays(function, dtype, SIZES, np.array)
                _call(nn, function, arrays, dtype, kernels, SIZES["B"])
                once = {output: arrays[output].copy() for output in function.outputs}
                _call(nn, function, arrays, dtype, kernels, SIZES["B"])
                for output, first in once.items():
                    if not first.any() or not np.array_equal(arrays[output], 2 * first):
                        return f"{name}[{dtype}]: {output} is not added to"
    return ""


CHECKS = {check.__name__: check for check in (no_kernel_reads_outside_its_arrays, a_backward_adds_to_its_outputs)}


def _call(
    nn: ModuleType, function: spec.Function, arrays: dict[str, np.ndarray], dtype: str, kernels: str, B: int
) -> None:
    binding = importlib.import_module(f"{nn.__name__}.binding.library")
    sizes = [B if size == "B" else SIZES[size] for size in function.sizes]
    scalars = [{**SCALARS, "training": B > 1}[name] for name in function.scalars]
    binding.kernel(function.name, dtype, kernels)(*map(binding.pointer, arrays.values()), *sizes, *scalars)


def _arrays(function: spec.Function, dtype: str, sizes: dict[str, Any], place: Place) -> dict[str, np.ndarray]:
    """Outputs of zeros, then the arrays that are read, in C's order, each where `place` puts it."""
    rng = np.random.default_rng(2003)
    arrays = {}
    for name, shape in (function.outputs | function.updates | function.inputs).items():
        extent = sizes["..."] if shape == "(...)" else tuple(sizes[letter] for letter in letters(shape))
        if name in function.outputs:
            drawn = np.zeros(extent, dtype)
        elif name in IDS:
            drawn = rng.integers(0, sizes["V"], extent).astype(np.int32)
        else:
            drawn = rng.integers(1, 4, extent).astype(dtype)
        arrays[name] = place(drawn)
    return arrays


def _at_the_end_of_a_page(array: np.ndarray) -> np.ndarray:
    return _between_closed_pages(array, at_the_end=True)


def _at_the_start_of_a_page(array: np.ndarray) -> np.ndarray:
    return _between_closed_pages(array, at_the_end=False)


def _between_closed_pages(array: np.ndarray, at_the_end: bool) -> np.ndarray:
    pages = -(-array.nbytes // mmap.PAGESIZE)
    memory = np.frombuffer(mmap.mmap(-1, (pages + 2) * mmap.PAGESIZE), np.uint8)
    for page in (0, pages + 1):
        address = ctypes.c_void_p(memory.ctypes.data + page * mmap.PAGESIZE)
        if ctypes.CDLL(None, use_errno=True).mprotect(address, mmap.PAGESIZE, 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")
    first = (pages + 1) * mmap.PAGESIZE - array.nbytes if at_the_end else mmap.PAGESIZE
    copy = memory[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
