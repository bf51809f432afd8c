"""The optimizers in C, on the memory of the arrays that they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnz.backend import clipping, optimizers

from .library import KERNELS, kernel, pointer
from .ops import OPS


class _InC:
    """A step on the arrays' own memory. Their addresses are taken once: that costs more than a small step."""

    kernels = KERNELS

    def _call(self, name: str, *arrays: np.ndarray) -> Callable:
        """The C function `name` on a parameter and its moments, which stay in place: it takes gradient and scalars."""
        calls = self.__dict__.setdefault("_calls", {})
        key = tuple(map(id, arrays))  # of the moments too: one array may be a parameter under two names
        if key not in calls:
            run = kernel(name, arrays[0].dtype, self.kernels[self.precision])
            calls[key] = _bound(run, [pointer(array) for array in arrays], arrays[0].size)
        return calls[key]

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: all but the addresses, which are the original's."""
        return {name: value for name, value in self.__dict__.items() if name != "_calls"}


def _bound(run: Callable, held: list, size: int) -> Callable:
    def call(g: np.ndarray, *scalars: float) -> None:
        run(*held, pointer(g if g.flags.carray else np.require(g, requirements=["C", "A"])), size, *scalars)

    return call


class SGD(_InC, optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__

    def _update(self, p: np.ndarray, g: np.ndarray) -> None:
        self._call("sgd_step", p)(g, self.lr, self.weight_decay)


class AdamW(_InC, optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__

    def _update(self, p: np.ndarray, m: np.ndarray, v: np.ndarray, g: np.ndarray) -> None:
        settings = (self.t, self.lr, self.beta1, self.beta2, self.eps, self.weight_decay)
        self._call("adamw_step", p, m, v)(g, *settings)


def clip_grad_norm(grads: Mapping[str, np.ndarray], max_norm: float, precision: str = "native") -> float:
    return clipping.clip_grad_norm(OPS, grads, max_norm, precision)


clip_grad_norm.__doc__ = clipping.clip_grad_norm.__doc__
