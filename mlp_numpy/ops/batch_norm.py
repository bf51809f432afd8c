"""batch_norm: give each channel mean 0 and variance 1 over the batch, then a scale and a shift of its own."""

from __future__ import annotations

import numpy as np


def batch_norm_forward(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps)
    x (B,C)  weight (C,)  bias (C,)  running_mean (C,)  running_var (C,)
    ->  y (B,C)  mean (C,)  rstd (C,)  new_running_mean (C,)  new_running_var (C,)

    The batch's own mean and biased variance in training; otherwise the running ones, of which the variance is unbiased.
    """
    B, mean, var = len(x), running_mean, running_var
    if training:
        mean = x.sum(axis=0) / B
        var = np.square(x - mean).sum(axis=0) / B  # in two passes: mean(x^2) - mean(x)^2 would cancel
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * (var * (B / (B - 1)))
    rstd = 1 / np.sqrt(var + eps)
    y = (x - mean) * rstd * weight + bias
    return y, mean, rstd, running_mean, running_var


def batch_norm_backward(
    dy: np.ndarray, x: np.ndarray, mean: np.ndarray, rstd: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dx = weight rstd (dy - dbias / B - xhat dweight / B), dweight = sum of dy xhat over B,
    dbias = sum of dy over B, xhat = (x - mean) rstd
    dy (B,C)  x (B,C)  mean (C,)  rstd (C,)  weight (C,)  ->  dx (B,C)  dweight (C,)  dbias (C,)

    The two subtrahends are the ways by which an x also moves every other row: through the mean and the variance.
    """
    B = len(x)
    xhat = (x - mean) * rstd
    dbias = dy.sum(axis=0)
    dweight = (dy * xhat).sum(axis=0)
    dx = weight * rstd * (dy - dbias / B - xhat * (dweight / B))
    return dx, dweight, dbias
