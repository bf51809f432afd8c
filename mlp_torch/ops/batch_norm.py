"""batch_norm: give each channel mean 0 and variance 1 over the batch, then a scale and a shift of its own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..arithmetic import Native, Strict


def batch_norm_forward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    training: bool,
    momentum: float,
    eps: float,
    by: type = Native,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps)
    x (B,C)  weight (C,)  bias (C,)  running_mean (C,)  running_var (C,)
    ->  y (B,C)  mean (C,)  rstd (C,)  new_running_mean (C,)  new_running_var (C,)

    By the kernel behind F.batch_norm, which also gives mean and rstd; it overwrites the running statistics: copies.
    """
    if by is Strict:
        return _StrictBatchNorm.apply(x, weight, bias, running_mean, running_var, training, momentum, eps)
    new_mean, new_var = running_mean.clone(), running_var.clone()
    y, mean, rstd = torch.native_batch_norm(x, weight, bias, new_mean, new_var, training, momentum, eps)
    if not training:
        mean, rstd = running_mean, 1 / torch.sqrt(running_var + eps)
    return y, mean, rstd, new_mean, new_var


def batch_norm_backward(
    dy: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor, by: type = Native
) -> tuple[Tensor, Tensor, Tensor]:
    """dx = weight rstd (dy - dbias / B - xhat dweight / B), dweight = sum of dy xhat over B,
    dbias = sum of dy over B, xhat = (x - mean) rstd
    dy (B,C)  x (B,C)  mean (C,)  rstd (C,)  weight (C,)  ->  dx (B,C)  dweight (C,)  dbias (C,)
    """
    if by is Strict:
        xhat = (x - mean) * rstd
        dbias, dweight = Strict.total(dy, 0), Strict.total(dy * xhat, 0)
        return weight * rstd * (dy - dbias / len(x) - xhat * (dweight / len(x))), dweight, dbias
    running, eps, wanted = None, 0.0, [True] * 3  # in training autograd calls this with mean and rstd, and needs no eps
    return torch.ops.aten.native_batch_norm_backward(dy, x, weight, running, running, mean, rstd, True, eps, wanted)


class _StrictBatchNorm(Function):
    @staticmethod
    def forward(ctx, x, weight, bias, running_mean, running_var, training, momentum, eps) -> tuple[Tensor, ...]:
        B, mean, var = len(x), running_mean, running_var
        if training:
            mean = Strict.total(x, 0) / B
            var = Strict.total((x - mean).square(), 0) / B
            running_mean = (1 - momentum) * running_mean + momentum * mean
            running_var = (1 - momentum) * running_var + momentum * (var * (B / (B - 1)))
        rstd = 1 / Strict.sqrt(var + eps)
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
        dx, dweight, dbias = batch_norm_backward(dy, x, mean, rstd, weight, Strict)
        if not ctx.training:  # the statistics are constants: no other row moves with x
            dx = dy * rstd * weight
        return dx, dweight, dbias, None, None, None, None, None
