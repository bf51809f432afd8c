"""gelu: let each number through by the share of a normal distribution that is below it."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np


def gelu_forward(x: np.ndarray) -> np.ndarray:
    """y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))        x (...)  ->  y (...)"""
    t = np.tanh(sqrt(2 / pi) * (x + 0.044715 * (x * x * x)))
    return x / 2 * (1 + t)


def gelu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx = dy ((1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 0.044715 x^2)), t the tanh of the forward
    dy (...)  x (...)  ->  dx (...)
    """
    t = np.tanh(sqrt(2 / pi) * (x + 0.044715 * (x * x * x)))
    return dy * ((1 + t) / 2 + x / 2 * (1 - t * t) * (sqrt(2 / pi) * (1 + 3 * 0.044715 * (x * x))))
