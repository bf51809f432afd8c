"""The optimizers in C, on the memory of the arrays that they are given."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from nnz.backend import optimizers
from nnz.numbers.precisions import PRECISIONS

from .library import kernel, pointer


def _step(name: str, precision: str):
    """The C function on arrays that the optimizer has checked: as many as the op has arrays, the rest are scalars."""

    def step(p: np.ndarray, *rest) -> None:
        arrays = [pointer(_in_order(a)) for a in rest if isinstance(a, np.ndarray)]
        kernel(name, p.dtype, precision)(pointer(p), *arrays, p.size, *rest[len(arrays) :])

    return step


def _in_order(array: np.ndarray) -> np.ndarray:  # asked first, since np.require takes longer than a small step
    return array if array.flags.carray else np.require(array, requirements=["C", "A"])


STEPS = {
    precision: SimpleNamespace(**{name: _step(name, precision) for name in ("sgd_step", "adamw_step")})
    for precision in PRECISIONS
}


class SGD(optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__
    ops_by_precision = STEPS


class AdamW(optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__
    ops_by_precision = STEPS
