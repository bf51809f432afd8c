"""sgd: one step down the gradient."""

from __future__ import annotations

import numpy as np


def sgd_step(p: np.ndarray, g: np.ndarray, lr: float, weight_decay: float) -> None:
    """p = p - lr (g + weight_decay p)        p (...)  g (...)  ->  p (...)"""
    p -= lr * (g + weight_decay * p)
