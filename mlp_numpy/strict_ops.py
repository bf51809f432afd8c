"""The operations again, strict: every number that is stored is the float32 nearest to the exact result of its step.

The functions of ops with the same names and arguments; those that only add, multiply, divide and take roots of single
numbers are the same ones, for IEEE 754 has these rounded correctly.
"""

from __future__ import annotations

import numpy as np

from . import correct_rounding as cr
from .ops.adamw import adamw_step
from .ops.cross_entropy import cross_entropy_backward
from .ops.embedding import embedding_forward
from .ops.sgd import sgd_step
from .ops.tanh import tanh_backward

__all__ = [
    "adamw_step",
    "batch_norm_backward",
    "batch_norm_forward",
    "cross_entropy_backward",
    "cross_entropy_forward",
    "embedding_backward",
    "embedding_forward",
    "linear_backward",
    "linear_forward",
    "sgd_step",
    "tanh_backward",
    "tanh_forward",
]


def embedding_backward(demb: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    return cr.scatter_add(demb.reshape(ids.size, -1), ids.ravel(), V)


def linear_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    y = cr.matmul(x, w.T)
    return y if b is None else y + b


def linear_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return cr.matmul(dy, w), cr.matmul(dy.T, x), cr.sum_along(dy, 0)


def tanh_forward(x: np.ndarray) -> np.ndarray:
    return cr.tanh(x)


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
    B, mean, var = len(x), running_mean, running_var
    if training:
        mean = cr.sum_along(x, 0) / B
        var = cr.sum_along(np.square(x - mean), 0) / B
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * (var * (B / (B - 1)))
    rstd = 1 / np.sqrt(var + eps)
    return (x - mean) * rstd * weight + bias, mean, rstd, running_mean, running_var


def batch_norm_backward(
    dy: np.ndarray, x: np.ndarray, mean: np.ndarray, rstd: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    B, xhat = len(x), (x - mean) * rstd
    dbias, dweight = cr.sum_along(dy, 0), cr.sum_along(dy * xhat, 0)
    return weight * rstd * (dy - dbias / B - xhat * (dweight / B)), dweight, dbias


def cross_entropy_forward(logits: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    exps = cr.exp(shifted)
    sums = cr.sum_along(exps, 1)
    losses = cr.log(sums) - shifted[np.arange(len(targets)), targets]
    return float(cr.sum_along(losses, 0) / len(targets)), exps / sums[:, None]
