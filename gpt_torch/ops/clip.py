"""clip: shorten a gradient that is too long, and keep its direction."""

from __future__ import annotations

from torch import Tensor


def square_sum(g: Tensor) -> Tensor:
    """total = sum of g^2, added up in float64        g (...)  ->  total"""
    return g.double().square().sum()


def clip_step(g: Tensor, scale: float) -> None:
    """g = scale g        g (...)  ->  g (...)"""
    g.mul_(scale)
