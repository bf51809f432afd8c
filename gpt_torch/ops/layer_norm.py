"""layer_norm: give each row mean 0 and variance 1, then a scale and a shift for each column."""

from __future__ import annotations

import torch
from torch import Tensor


def layer_norm_forward(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps), mean and biased var over E
    x (B,E)  weight (E,)  bias (E,)  ->  y (B,E)  mean (B,)  rstd (B,)

    By the kernel behind F.layer_norm, which also gives mean and rstd.
    """
    y, mean, rstd = torch.native_layer_norm(x, x.shape[1:], weight, bias, eps)
    return y, mean[:, 0], rstd[:, 0]


def layer_norm_backward(
    dy: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """dx = rstd (dxhat - mean of dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = (x - mean) rstd,
    dweight = sum of dy xhat over B, dbias = sum of dy over B
    dy (B,E)  x (B,E)  mean (B,)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)  dbias (E,)
    """
    bias, wanted = torch.empty_like(weight), [True] * 3  # of any values: the gradient does not depend on them
    statistics = mean[:, None].contiguous(), rstd[:, None].contiguous()
    return torch.ops.aten.native_layer_norm_backward(dy, x, x.shape[1:], *statistics, weight, bias, wanted)
