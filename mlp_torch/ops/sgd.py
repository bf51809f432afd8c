"""sgd: one step down the gradient."""

from __future__ import annotations

from torch import Tensor

from ..arithmetic import Native


def sgd_step(p: Tensor, g: Tensor, lr: float, weight_decay: float, by: type = Native) -> None:
    """p = p - lr (g + weight_decay p)        p (...)  g (...)  ->  p (...)"""
    p.sub_(lr * (g + weight_decay * p))
