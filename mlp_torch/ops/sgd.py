"""sgd: one step down the gradient."""

from __future__ import annotations

from torch import Tensor


def sgd_step(p: Tensor, g: Tensor, lr: float, weight_decay: float) -> None:
    """p = p - lr (g + weight_decay p)        p (...)  g (...)  ->  p (...)"""
    p.sub_(lr * (g + weight_decay * p))
