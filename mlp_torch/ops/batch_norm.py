"""batch_norm: give each channel mean 0 and variance 1 over the batch, then a scale and a shift of its own."""

from __future__ import annotations

import torch
from torch import Tensor


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
    """y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps)
    x (B,C)  weight (C,)  bias (C,)  running_mean (C,)  running_var (C,)
    ->  y (B,C)  mean (C,)  rstd (C,)  new_running_mean (C,)  new_running_var (C,)

    By the kernel behind F.batch_norm, which also gives mean and rstd; it overwrites the running statistics: copies.
    """
    new_mean, new_var = running_mean.clone(), running_var.clone()
    y, mean, rstd = torch.native_batch_norm(x, weight, bias, new_mean, new_var, training, momentum, eps)
    if not training:
        mean, rstd = running_mean, 1 / torch.sqrt(running_var + eps)
    return y, mean, rstd, new_mean, new_var


def batch_norm_backward(
    dy: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """dx = weight rstd (dy - dbias / B - xhat dweight / B), dweight = sum of dy xhat over B,
    dbias = sum of dy over B, xhat = (x - mean) rstd
    dy (B,C)  x (B,C)  mean (C,)  rstd (C,)  weight (C,)  ->  dx (B,C)  dweight (C,)  dbias (C,)
    """
    running, eps, wanted = None, 0.0, [True] * 3  # in training autograd calls this with mean and rstd, and needs no eps
    return torch.ops.aten.native_batch_norm_backward(dy, x, weight, running, running, mean, rstd, True, eps, wanted)
