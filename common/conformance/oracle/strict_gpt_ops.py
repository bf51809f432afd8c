"""The GPT's operations in strict float32, as strict_ops has those of the MLP: their order of operations is the
specification. A sum of products of two arrays is one exact sum, and rounds once.
"""

from __future__ import annotations

from fractions import Fraction
from math import pi, sqrt

import numpy as np

from . import strict as exact
from .gpt_ops import dropout_mask as wide_mask

Array = np.ndarray
f32 = np.float32
SCALE, CUBE, CUBE_3 = f32(sqrt(2 / pi)), f32(0.044715), f32(3 * 0.044715)


def layer_norm_forward(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    E = f32(x.shape[1])
    mean = exact.sum(x, 1) / E
    centred = x - mean[:, None]
    rstd = f32(1) / exact.sqrt(_dot(centred, centred) / E + f32(eps))
    return centred * rstd[:, None] * weight + bias, mean, rstd


def layer_norm_backward(dy: Array, x: Array, mean: Array, rstd: Array, weight: Array) -> tuple[Array, Array, Array]:
    E, xhat, g = f32(x.shape[1]), (x - mean[:, None]) * rstd[:, None], dy * weight
    centred = (g - (exact.sum(g, 1) / E)[:, None]) - xhat * (_dot(g, xhat) / E)[:, None]
    return rstd[:, None] * centred, _dot(dy.T, xhat.T), exact.sum(dy)


def rms_norm_forward(x: Array, weight: Array | None, eps: float) -> tuple[Array, Array]:
    rstd = f32(1) / exact.sqrt(_dot(x, x) / f32(x.shape[1]) + f32(eps))
    y = x * rstd[:, None]
    return y if weight is None else y * weight, rstd


def rms_norm_backward(dy: Array, x: Array, rstd: Array, weight: Array | None) -> tuple[Array, Array | None]:
    xhat, g = x * rstd[:, None], dy if weight is None else dy * weight
    dx = rstd[:, None] * (g - xhat * (_dot(g, xhat) / f32(x.shape[1]))[:, None])
    return dx, None if weight is None else _dot(dy.T, xhat.T)


def relu_forward(x: Array) -> Array:
    return np.where(x <= 0, f32(0), x)


def relu_backward(dy: Array, y: Array) -> Array:
    return np.where(y > 0, dy, f32(0))


def gelu_forward(x: Array) -> Array:
    """Each step rounds: the cube twice, its share, the sum, its scale, tanh, 1 + tanh, the product."""
    return (x / f32(2)) * (f32(1) + _gelu_tanh(x))


def gelu_backward(dy: Array, x: Array) -> Array:
    t = _gelu_tanh(x)
    slope = SCALE * (f32(1) + CUBE_3 * (x * x))
    return dy * ((f32(1) + t) / f32(2) + ((x / f32(2)) * (f32(1) - t * t)) * slope)


def _gelu_tanh(x: Array) -> Array:
    return exact.tanh(SCALE * (x + CUBE * ((x * x) * x)))


def attention_forward(qkv: Array, mask: Array | None, H: int) -> tuple[Array, Array]:
    """Scores, less the largest of the row; their exponentials, divided by the row's sum; one sum for each y."""
    q, k, v = _heads(qkv, H)
    B, _, T, S = q.shape
    seen = np.tri(T, dtype=bool)
    scores = np.where(seen, _products(q, k.swapaxes(2, 3)) / f32(sqrt(S)), f32(-np.inf))
    shifted = np.where(seen, scores - scores.max(axis=3, keepdims=True), f32(0))
    exps = np.where(seen, exact.exp(shifted), f32(0))
    probs = exps / exact.sum(exps, 3)[..., None]
    y = _products(probs if mask is None else probs * mask, v)
    return y.swapaxes(1, 2).reshape(B, T, -1), probs


def attention_backward(dy: Array, qkv: Array, probs: Array, mask: Array | None) -> Array:
    q, k, v = _heads(qkv, probs.shape[1])
    dy = dy.reshape(*dy.shape[:2], *q.shape[1::2]).swapaxes(1, 2)
    dv = _products((probs if mask is None else probs * mask).swapaxes(2, 3), dy)
    dprobs = _products(dy, v.swapaxes(2, 3))
    if mask is not None:
        dprobs = dprobs * mask
    dscores = (probs * (dprobs - _dot(probs, dprobs)[..., None])) / f32(sqrt(q.shape[3]))
    dq, dk = _products(dscores, k), _products(dscores.swapaxes(2, 3), q)
    return np.stack([g.swapaxes(1, 2).reshape(*qkv.shape[:2], -1) for g in (dq, dk, dv)], axis=2)


def dropout_mask(mask: Array, p: float, seed: int, site: int, step: int) -> Array:
    return wide_mask(mask, p, seed, site, step).astype(f32)


def dropout_forward(x: Array, mask: Array) -> Array:
    return x * mask


def dropout_backward(dy: Array, mask: Array) -> Array:
    return dy * mask


def square_sum(g: Array) -> Array:
    """The float64 nearest to the exact sum: a division of Python's integers rounds once."""
    return np.float64(float(sum(Fraction(x) ** 2 for x in g.ravel().tolist())))


def clip_step(g: Array, scale: float) -> Array:
    return g * f32(scale)


def _heads(qkv: Array, H: int) -> tuple[Array, Array, Array]:
    """q, k, v, each (B,H,T,E/H)."""
    B, T, _, E = qkv.shape
    return tuple(qkv[:, :, i].reshape(B, T, H, E // H).swapaxes(1, 2) for i in range(3))


def _products(a: Array, b: Array) -> Array:
    """The matrix product of each head of each sequence."""
    return np.array([[exact.product(*pair) for pair in zip(*heads, strict=True)] for heads in zip(a, b, strict=True)])


def _dot(a: Array, b: Array) -> Array:
    """The sums of products along the last axis."""
    rows = zip(a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]), strict=True)
    return np.array([exact.product(x[None], y[:, None])[0, 0] for x, y in rows], f32).reshape(a.shape[:-1])
