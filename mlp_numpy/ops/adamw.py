"""adamw: Adam with weight decay that does not pass through the moments."""

from __future__ import annotations

from math import sqrt

import numpy as np


def adamw_step(
    p: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    g: np.ndarray,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> None:
    """m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
    p = (1 - lr weight_decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
    p (...)  m (...)  v (...)  g (...)  ->  p (...)  m (...)  v (...)
    """
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * (g * g)
    p *= 1 - lr * weight_decay
    p -= lr / (1 - beta1**t) * (m / (np.sqrt(v) / sqrt(1 - beta2**t) + eps))
