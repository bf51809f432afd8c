"""sgd: one step down the gradient."""

from __future__ import annotations

import numpy as np

from ..arithmetic import Native


def sgd_step(p: np.ndarray, g: np.ndarray, lr: float, weight_decay: float, by: type = Native) -> None:
    """p = p - lr (g + weight_decay p)        p (...)  g (...)  ->  p (...)"""
    p -= lr * (g + weight_decay * p)
