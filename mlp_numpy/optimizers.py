"""The optimizers in numpy."""

from __future__ import annotations

from nnz.backend import optimizers

from .arithmetic import ARITHMETIC
from .ops.adamw import adamw_step
from .ops.sgd import sgd_step


class SGD(optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__
    arithmetic = ARITHMETIC
    sgd_step = staticmethod(sgd_step)


class AdamW(optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__
    arithmetic = ARITHMETIC
    adamw_step = staticmethod(adamw_step)
