"""clip: shorten a gradient that is too long, and keep its direction."""

from __future__ import annotations

import numpy as np


def square_sum(g: np.ndarray) -> float:
    """total = sum of g^2, added up in float64        g (...)  ->  total"""
    wide = g.astype(np.float64).reshape(-1)
    return float(wide @ wide)


def clip_step(g: np.ndarray, scale: float) -> None:
    """g = scale g        g (...)  ->  g (...)"""
    g *= scale
