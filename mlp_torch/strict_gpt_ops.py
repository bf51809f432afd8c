"""The GPT's operations again, strict: every number that is stored is the float32 nearest to its step's exact result.

The functions of ops with the same names and arguments. Autograd cannot look into correct rounding, so each forward that
sums or takes a tanh is an autograd.Function that says what its backward is.
"""

from __future__ import annotations

from math import fsum, inf, pi, sqrt

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from . import correct_rounding as cr
from .gpt_ops.attention import _heads, _side_by_side
from .gpt_ops.clip import clip_step
from .gpt_ops.dropout import dropout_backward, dropout_forward, dropout_mask
from .gpt_ops.relu import relu_backward, relu_forward

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


def layer_norm_forward(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return _LayerNorm.apply(x, weight, bias, eps)


def layer_norm_backward(
    dy: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    E, xhat, dxhat = x.shape[1], (x - mean[:, None]) * rstd[:, None], dy * weight
    mean_dxhat, mean_dxhat_xhat = cr.sum_along(dxhat, 1) / E, cr.dot(dxhat, xhat) / E
    dx = rstd[:, None] * (dxhat - mean_dxhat[:, None] - xhat * mean_dxhat_xhat[:, None])
    return dx, cr.dot(dy.T, xhat.T), cr.sum_along(dy, 0)


class _LayerNorm(Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        E = x.shape[1]
        mean = cr.sum_along(x, 1) / E
        centred = x - mean[:, None]
        rstd = 1 / cr.sqrt(cr.dot(centred, centred) / E + eps)
        ctx.save_for_backward(x, mean, rstd, weight)
        ctx.mark_non_differentiable(mean, rstd)
        return centred * rstd[:, None] * weight + bias, mean, rstd

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        return *layer_norm_backward(dy, *ctx.saved_tensors), None


def rms_norm_forward(x: Tensor, weight: Tensor | None, eps: float) -> tuple[Tensor, Tensor]:
    return _RMSNorm.apply(x, weight, eps)


def rms_norm_backward(dy: Tensor, x: Tensor, rstd: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    xhat, dxhat = x * rstd[:, None], dy if weight is None else dy * weight
    dx = rstd[:, None] * (dxhat - xhat * (cr.dot(dxhat, xhat) / x.shape[1])[:, None])
    return dx, None if weight is None else cr.dot(dy.T, xhat.T)


class _RMSNorm(Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor | None, eps: float) -> tuple[Tensor, Tensor]:
        rstd = 1 / cr.sqrt(cr.dot(x, x) / x.shape[1] + eps)
        ctx.save_for_backward(x, rstd, weight)
        ctx.mark_non_differentiable(rstd)
        y = x * rstd[:, None]
        return y if weight is None else y * weight, rstd

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return *rms_norm_backward(dy, *ctx.saved_tensors), None


def gelu_forward(x: Tensor) -> Tensor:
    return _GELU.apply(x)


def gelu_backward(dy: Tensor, x: Tensor) -> Tensor:
    t = _gelu_tanh(x)
    return dy * ((1 + t) / 2 + x / 2 * (1 - t * t) * (sqrt(2 / pi) * (1 + 3 * 0.044715 * (x * x))))


def _gelu_tanh(x: Tensor) -> Tensor:
    return cr.tanh(sqrt(2 / pi) * (x + 0.044715 * (x * x * x)))


class _GELU(Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x / 2 * (1 + _gelu_tanh(x))

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor) -> Tensor:
        return gelu_backward(dy, *ctx.saved_tensors)


def attention_forward(qkv: Tensor, mask: Tensor | None, H: int) -> tuple[Tensor, Tensor]:
    return _Attention.apply(qkv, mask, H)


def attention_backward(dy: Tensor, qkv: Tensor, probs: Tensor, mask: Tensor | None) -> Tensor:
    B, T, _, E = qkv.shape
    H = probs.shape[1]
    q, k, v = _heads(qkv, H)  # each (B,H,T,E/H)
    dy = dy.reshape(B, T, H, E // H).transpose(1, 2)
    dv = cr.matmul((probs if mask is None else probs * mask).mT, dy)
    dprobs = cr.matmul(dy, v.mT)
    if mask is not None:
        dprobs *= mask
    dscores = probs * (dprobs - cr.dot(probs, dprobs)[..., None]) / sqrt(E // H)
    dqkv = torch.stack((cr.matmul(dscores, k), cr.matmul(dscores.mT, q), dv), dim=1)  # (B,3,H,T,E/H)
    return dqkv.permute(0, 3, 1, 2, 4).reshape(qkv.shape)


def cached_attention(qkv: Tensor, kept: Tensor, past: int) -> Tensor:
    """As gpt.cached_attention; the numbers are those of attention_forward, bit by bit."""
    q, k, v = _heads(qkv, kept.shape[2])
    S = past + qkv.shape[1]
    kept[0, :, :, past:S], kept[1, :, :, past:S] = k, v
    return _side_by_side(cr.matmul(_probs(q, kept[0, :, :, :S], past), kept[1, :, :, :S]))


def _probs(q: Tensor, k: Tensor, past: int) -> Tensor:
    """The softmax of q[t] . k[u] / sqrt(E/H) over u <= past + t        q (B,H,n,E/H)  k (B,H,S,E/H)  ->  (B,H,n,S)"""
    scores = cr.matmul(q, k.mT) / sqrt(q.shape[3])
    scores = scores.masked_fill(torch.ones_like(scores[0, 0], dtype=torch.bool).triu(past + 1), -inf)
    exps = cr.exp(scores - scores.amax(dim=3, keepdim=True))
    return exps / cr.sum_along(exps, 3)[..., None]


class _Attention(Function):
    @staticmethod
    def forward(ctx, qkv: Tensor, mask: Tensor | None, H: int) -> tuple[Tensor, Tensor]:
        q, k, v = _heads(qkv, H)
        probs = _probs(q, k, 0)  # (B,H,T,T)
        ctx.save_for_backward(qkv, probs, mask)
        ctx.mark_non_differentiable(probs)
        return _side_by_side(cr.matmul(probs if mask is None else probs * mask, v)), probs

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return attention_backward(dy, *ctx.saved_tensors), None, None


def square_sum(g: Tensor) -> Tensor:
    """The float64 nearest to the sum, as fsum gives it."""
    return torch.tensor(fsum(g.double().square().flatten().tolist()), dtype=torch.float64)
