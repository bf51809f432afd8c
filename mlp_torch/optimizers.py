"""The optimizers in torch. They take arrays and tensors; an array's memory is shared, not copied."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from nnz.backend import clipping, optimizers

from .runtime import OPS, as_tensor, copy_into


class _InTorch:
    ops_by_precision = OPS
    native = staticmethod(as_tensor)
    zeros_like = staticmethod(torch.zeros_like)
    copy_into = staticmethod(copy_into)


class SGD(_InTorch, optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__


class AdamW(_InTorch, optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__

    def _update(self, p: Tensor, m: Tensor, v: Tensor, g: Tensor) -> None:
        """The step of ops.adamw in one pass over the memory, as torch.optim.AdamW(fused=True) takes it."""
        if self.precision != "native" or not p.is_contiguous():
            super()._update(p, m, v, g)
            return
        settings = {"lr": self.lr, "beta1": self.beta1, "beta2": self.beta2, "eps": self.eps}
        settings |= {"weight_decay": self.weight_decay, "amsgrad": False, "maximize": False}
        steps = torch.full((), float(self.t), device=p.device)
        torch._fused_adamw_([p], [g.contiguous()], [m], [v], [], [steps], **settings)


def clip_grad_norm(grads: Mapping[str, np.ndarray | Tensor], max_norm: float, precision: str = "native") -> float:
    return clipping.clip_grad_norm(OPS, {name: as_tensor(g) for name, g in grads.items()}, max_norm, precision)


clip_grad_norm.__doc__ = clipping.clip_grad_norm.__doc__
