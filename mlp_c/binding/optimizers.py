"""The optimizers in C, on the memory of the arrays that they are given."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np

from nnz.backend import optimizers

from .library import KERNELS, kernel, pointer


def _step(name: str, kernels: str):
    """The C function on arrays that the optimizer has checked: as many as the op has arrays, the rest are scalars."""

    def step(p: np.ndarray, *rest) -> None:
        arrays = [pointer(_in_order(a)) for a in rest if isinstance(a, np.ndarray)]
        kernel(name, p.dtype, kernels)(pointer(p), *arrays, p.size, *rest[len(arrays) :])

    return step


def _in_order(array: np.ndarray) -> np.ndarray:  # asked first, since np.require takes longer than a small step
    return array if array.flags.carray else np.require(array, requirements=["C", "A"])


def steps(kernels: Mapping[str, str]) -> dict[str, SimpleNamespace]:
    """By precision the C functions of these kernels."""
    return {
        precision: SimpleNamespace(**{name: _step(name, of) for name in ("sgd_step", "adamw_step")})
        for precision, of in kernels.items()
    }


STEPS = steps(KERNELS)


class SGD(optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__
    ops_by_precision = STEPS


class AdamW(optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__
    ops_by_precision = STEPS
