"""relu: let what is positive through."""

from __future__ import annotations

import numpy as np


def relu_forward(x: np.ndarray) -> np.ndarray:
    """y = max(x, 0)        x (...)  ->  y (...)"""
    return np.maximum(x, 0)


def relu_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dx = dy where y > 0, else 0        dy (...)  y (...)  ->  dx (...)"""
    return np.where(y > 0, dy, 0)
