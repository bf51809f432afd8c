"""The GPT's operations again, strict: every number that is stored is the float32 nearest to its step's exact result.

The functions of ops with the same names and arguments; what multiplies single numbers is the same.
"""

from __future__ import annotations

from math import fsum, pi, sqrt

import numpy as np

from .. import correct_rounding as cr
from .ops.attention import _heads, _side_by_side
from .ops.clip import clip_step
from .ops.dropout import dropout_backward, dropout_forward, dropout_mask
from .ops.relu import relu_backward, relu_forward

__all__ = [
    "attention_backward",
    "attention_forward",
    "clip_step",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "gelu_backward",
    "gelu_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "relu_backward",
    "relu_forward",
    "rms_norm_backward",
    "rms_norm_forward",
    "square_sum",
]


def layer_norm_forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    E = x.shape[1]
    mean = cr.sum_along(x, 1) / E
    centred = x - mean[:, None]
    rstd = 1 / np.sqrt(cr.dot(centred, centred) / E + eps)
    return centred * rstd[:, None] * weight + bias, mean, rstd


def layer_norm_backward(
    dy: np.ndarray, x: np.ndarray, mean: np.ndarray, rstd: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    E, xhat, dxhat = x.shape[1], (x - mean[:, None]) * rstd[:, None], dy * weight
    mean_dxhat, mean_dxhat_xhat = cr.sum_along(dxhat, 1) / E, cr.dot(dxhat, xhat) / E
    dx = rstd[:, None] * (dxhat - mean_dxhat[:, None] - xhat * mean_dxhat_xhat[:, None])
    return dx, cr.dot(dy.T, xhat.T), cr.sum_along(dy, 0)


def rms_norm_forward(x: np.ndarray, weight: np.ndarray | None, eps: float) -> tuple[np.ndarray, np.ndarray]:
    rstd = 1 / np.sqrt(cr.dot(x, x) / x.shape[1] + eps)
    y = x * rstd[:, None]
    return y if weight is None else y * weight, rstd


def rms_norm_backward(
    dy: np.ndarray, x: np.ndarray, rstd: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    xhat, dxhat = x * rstd[:, None], dy if weight is None else dy * weight
    dx = rstd[:, None] * (dxhat - xhat * (cr.dot(dxhat, xhat) / x.shape[1])[:, None])
    return dx, None if weight is None else cr.dot(dy.T, xhat.T)


def gelu_forward(x: np.ndarray) -> np.ndarray:
    return x / 2 * (1 + _gelu_tanh(x))


def gelu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    t = _gelu_tanh(x)
    return dy * ((1 + t) / 2 + x / 2 * (1 - t * t) * (sqrt(2 / pi) * (1 + 3 * 0.044715 * (x * x))))


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    return cr.tanh(sqrt(2 / pi) * (x + 0.044715 * (x * x * x)))


def attention_forward(qkv: np.ndarray, mask: np.ndarray | None, H: int) -> tuple[np.ndarray, np.ndarray]:
    q, k, v = _heads(qkv, H)  # each (B,H,T,E/H)
    probs = _probs(q, k, 0)  # (B,H,T,T)
    return _side_by_side(cr.matmul(probs if mask is None else probs * mask, v)), probs


def cached_attention(qkv: np.ndarray, kept: np.ndarray, past: int) -> np.ndarray:
    """As ..cached_attention; the numbers are those of attention_forward, bit by bit."""
    q, *keys_and_values = _heads(qkv, kept.shape[2])
    S = past + qkv.shape[1]
    kept[:, :, :, past:S] = keys_and_values
    k, v = kept[:, :, :, :S]  # each (B,H,S,E/H)
    return _side_by_side(cr.matmul(_probs(q, k, past), v))


def _probs(q: np.ndarray, k: np.ndarray, past: int) -> np.ndarray:
    """The softmax of q[t] . k[u] / sqrt(E/H) over u <= past + t        q (B,H,n,E/H)  k (B,H,S,E/H)  ->  (B,H,n,S)"""
    scores = cr.matmul(q, k.swapaxes(2, 3)) / sqrt(q.shape[3])
    scores = np.where(np.tri(q.shape[2], k.shape[2], past, dtype=bool), scores, -np.inf)
    exps = cr.exp(scores - scores.max(axis=3, keepdims=True))
    return exps / cr.sum_along(exps, 3)[..., None]


def attention_backward(dy: np.ndarray, qkv: np.ndarray, probs: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    B, T, _, E = qkv.shape
    H = probs.shape[1]
    q, k, v = _heads(qkv, H)
    dy = dy.reshape(B, T, H, E // H).swapaxes(1, 2)
    dv = cr.matmul((probs if mask is None else probs * mask).swapaxes(2, 3), dy)
    dprobs = cr.matmul(dy, v.swapaxes(2, 3))
    if mask is not None:
        dprobs *= mask
    dscores = probs * (dprobs - cr.dot(probs, dprobs)[..., None]) / sqrt(E // H)
    dqkv = np.stack((cr.matmul(dscores, k), cr.matmul(dscores.swapaxes(2, 3), q), dv), axis=1)  # (B,3,H,T,E/H)
    return dqkv.transpose(0, 3, 1, 2, 4).reshape(qkv.shape)


def square_sum(g: np.ndarray) -> float:
    """The float64 nearest to the sum, as fsum gives it."""
    return fsum(np.square(g.astype(np.float64)).ravel().tolist())
