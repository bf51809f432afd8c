"""rms_norm: give each row a mean square of 1; layer_norm without the mean, and with no shift."""

from __future__ import annotations

import numpy as np


def rms_norm_forward(x: np.ndarray, weight: np.ndarray | None, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """y = x rstd weight, rstd = 1 / sqrt(mean of x^2 over E + eps)
    x (B,E)  weight (E,)  ->  y (B,E)  rstd (B,)
    """
    rstd = 1 / np.sqrt(np.square(x).sum(axis=1) / x.shape[1] + eps)
    y = x * rstd[:, None]
    if weight is not None:
        y *= weight
    return y, rstd


def rms_norm_backward(
    dy: np.ndarray, x: np.ndarray, rstd: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """dx = rstd (dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = x rstd, dweight = sum of dy xhat over B
    dy (B,E)  x (B,E)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)
    """
    xhat = x * rstd[:, None]
    dxhat = dy if weight is None else dy * weight
    mean_dxhat_xhat = (dxhat * xhat).sum(axis=1, keepdims=True) / x.shape[1]  # (B,1)
    dx = rstd[:, None] * (dxhat - xhat * mean_dxhat_xhat)
    dweight = None if weight is None else (dy * xhat).sum(axis=0)
    return dx, dweight
