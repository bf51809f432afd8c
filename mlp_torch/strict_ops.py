"""The operations again, strict: every number that is stored is the float32 nearest to the exact result of its step.

The functions of ops with the same names and arguments. Autograd cannot look into correct rounding, so each forward is
an autograd.Function that says what its backward is.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from . import correct_rounding as cr
from .ops.cross_entropy import cross_entropy_backward
from .ops.sgd import sgd_step

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


def embedding_forward(wte: Tensor, ids: Tensor) -> Tensor:
    return _Embedding.apply(wte, ids)


def embedding_backward(demb: Tensor, ids: Tensor, V: int) -> Tensor:
    return cr.scatter_add(demb.reshape(ids.numel(), -1), ids.flatten(), V)


class _Embedding(Function):
    @staticmethod
    def forward(ctx, wte: Tensor, ids: Tensor) -> Tensor:
        ctx.ids, ctx.V = ids, len(wte)
        return wte[ids.long()]

    @staticmethod
    @once_differentiable
    def backward(ctx, demb: Tensor) -> tuple[Tensor, None]:
        return embedding_backward(demb, ctx.ids, ctx.V), None


def linear_forward(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    return _Linear.apply(x, w, b)


def linear_backward(dy: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return cr.matmul(dy, w), cr.matmul(dy.T, x), cr.sum_along(dy, 0)


class _Linear(Function):
    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, w)
        y = cr.matmul(x, w.T)
        return y if b is None else y + b

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        dx, dw, db = linear_backward(dy, *ctx.saved_tensors)
        return dx, dw, db if ctx.needs_input_grad[2] else None


def tanh_forward(x: Tensor) -> Tensor:
    return _Tanh.apply(x)


def tanh_backward(dy: Tensor, y: Tensor) -> Tensor:
    return dy * (1 - y * y)


class _Tanh(Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        y = cr.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor) -> Tensor:
        return tanh_backward(dy, *ctx.saved_tensors)


def batch_norm_forward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    return _BatchNorm.apply(x, weight, bias, running_mean, running_var, training, momentum, eps)


def batch_norm_backward(
    dy: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    B, xhat = len(x), (x - mean) * rstd
    dbias, dweight = cr.sum_along(dy, 0), cr.sum_along(dy * xhat, 0)
    return weight * rstd * (dy - dbias / B - xhat * (dweight / B)), dweight, dbias


class _BatchNorm(Function):
    @staticmethod
    def forward(ctx, x, weight, bias, running_mean, running_var, training, momentum, eps) -> tuple[Tensor, ...]:
        B, mean, var = len(x), running_mean, running_var
        if training:
            mean = cr.sum_along(x, 0) / B
            var = cr.sum_along((x - mean).square(), 0) / B
            running_mean = (1 - momentum) * running_mean + momentum * mean
            running_var = (1 - momentum) * running_var + momentum * (var * (B / (B - 1)))
        rstd = 1 / cr.sqrt(var + eps)
        y = (x - mean) * rstd * weight + bias
        ctx.save_for_backward(x, mean.clone(), rstd, weight)  # a layer goes on to write to the mean that it gave
        ctx.training = training
        statistics = mean.clone(), rstd, running_mean.clone(), running_var.clone()
        ctx.mark_non_differentiable(*statistics)
        return y, *statistics

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, rstd, weight = ctx.saved_tensors
        dx, dweight, dbias = batch_norm_backward(dy, x, mean, rstd, weight)
        if not ctx.training:  # the statistics are constants: no other row moves with x
            dx = dy * rstd * weight
        return dx, dweight, dbias, None, None, None, None, None


def cross_entropy_forward(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    return _CrossEntropy.apply(logits, targets)


class _CrossEntropy(Function):
    @staticmethod
    def forward(ctx, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        shifted = logits - logits.amax(dim=1, keepdim=True)
        exps = cr.exp(shifted)
        sums = cr.sum_along(exps, 1)
        probs = exps / sums[:, None]
        losses = cr.log(sums) - shifted[torch.arange(len(targets)), targets]
        ctx.save_for_backward(probs, targets)
        ctx.mark_non_differentiable(probs)
        return cr.sum_along(losses, 0) / len(targets), probs

    @staticmethod
    @once_differentiable
    def backward(ctx, dloss: Tensor, _: Tensor) -> tuple[Tensor, None]:
        return dloss * cross_entropy_backward(*ctx.saved_tensors), None


def adamw_step(
    p: Tensor,
    m: Tensor,
    v: Tensor,
    g: Tensor,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> None:
    m.mul_(beta1).add_((1 - beta1) * g)
    v.mul_(beta2).add_((1 - beta2) * (g * g))
    p.mul_(1 - lr * weight_decay)
    p.sub_(lr / (1 - beta1**t) * (m / (cr.sqrt(v) / sqrt(1 - beta2**t) + eps)))
