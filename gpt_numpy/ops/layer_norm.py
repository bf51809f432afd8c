"""layer_norm: give each row mean 0 and variance 1, then a scale and a shift for each column."""

from __future__ import annotations

import numpy as np


def layer_norm_forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps), mean and biased var over E
    x (B,E)  weight (E,)  bias (E,)  ->  y (B,E)  mean (B,)  rstd (B,)
    """
    E = x.shape[1]
    mean = x.sum(axis=1) / E
    centred = x - mean[:, None]
    var = np.square(centred).sum(axis=1) / E  # in two passes: mean(x^2) - mean(x)^2 would cancel
    rstd = 1 / np.sqrt(var + eps)
    y = centred * rstd[:, None] * weight + bias
    return y, mean, rstd


def layer_norm_backward(
    dy: np.ndarray, x: np.ndarray, mean: np.ndarray, rstd: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dx = rstd (dxhat - mean of dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = (x - mean) rstd,
    dweight = sum of dy xhat over B, dbias = sum of dy over B
    dy (B,E)  x (B,E)  mean (B,)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)  dbias (E,)

    The two subtrahends are the ways by which an x also moves the rest of its row: through the mean and the variance.
    """
    E = x.shape[1]
    xhat = (x - mean[:, None]) * rstd[:, None]
    dxhat = dy * weight
    mean_dxhat = dxhat.sum(axis=1, keepdims=True) / E  # (B,1)
    mean_dxhat_xhat = (dxhat * xhat).sum(axis=1, keepdims=True) / E  # (B,1)
    dx = rstd[:, None] * (dxhat - mean_dxhat - xhat * mean_dxhat_xhat)
    dweight = (dy * xhat).sum(axis=0)
    dbias = dy.sum(axis=0)
    return dx, dweight, dbias
