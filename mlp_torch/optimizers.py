"""The optimizers in torch. They take arrays and tensors; an array's memory is shared, not copied."""

from __future__ import annotations

import torch

from nnz.backend import optimizers

from .arithmetic import ARITHMETIC
from .ops.adamw import adamw_step
from .ops.sgd import sgd_step
from .runtime import as_tensor, copy_into


class _InTorch:
    arithmetic = ARITHMETIC
    native = staticmethod(as_tensor)
    zeros_like = staticmethod(torch.zeros_like)
    copy_into = staticmethod(copy_into)


class SGD(_InTorch, optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__
    sgd_step = staticmethod(sgd_step)


class AdamW(_InTorch, optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__
    adamw_step = staticmethod(adamw_step)
