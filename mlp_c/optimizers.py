"""The optimizers in C, on the memory of the arrays that they are given."""

from __future__ import annotations

import numpy as np

from nnz.backend import optimizers

from ._binding import kernel, pointer
from .ops import ARITHMETIC


def _step(name: str):
    """The C function on arrays that the optimizer has checked: as many as the op has arrays, the rest are scalars."""

    def step(p: np.ndarray, *rest, by: str = "native") -> None:
        arrays = [pointer(_in_order(a)) for a in rest if isinstance(a, np.ndarray)]
        kernel(name, p.dtype, by)(pointer(p), *arrays, p.size, *rest[len(arrays) :])

    return staticmethod(step)


def _in_order(array: np.ndarray) -> np.ndarray:  # asked first, since np.require takes longer than a small step
    return array if array.flags.carray else np.require(array, requirements=["C", "A"])


class SGD(optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__
    arithmetic = ARITHMETIC
    sgd_step = _step("sgd_step")


class AdamW(optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__
    arithmetic = ARITHMETIC
    adamw_step = _step("adamw_step")
