"""rms_norm: give each row a mean square of 1; layer_norm without the mean, and with no shift."""

from __future__ import annotations

import torch
from torch import Tensor


def rms_norm_forward(x: Tensor, weight: Tensor | None, eps: float) -> tuple[Tensor, Tensor]:
    """y = x rstd weight, rstd = 1 / sqrt(mean of x^2 over E + eps)
    x (B,E)  weight (E,)  ->  y (B,E)  rstd (B,)
    """
    rstd = torch.rsqrt(x.square().mean(dim=1) + eps)
    y = x * rstd[:, None]
    return y if weight is None else y * weight, rstd


def rms_norm_backward(dy: Tensor, x: Tensor, rstd: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """dx = rstd (dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = x rstd, dweight = sum of dy xhat over B
    dy (B,E)  x (B,E)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)

    Written out: autograd would need eps again.
    """
    xhat = x * rstd[:, None]
    dxhat = dy if weight is None else dy * weight
    dx = rstd[:, None] * (dxhat - xhat * (dxhat * xhat).mean(dim=1, keepdim=True))
    dweight = None if weight is None else (dy * xhat).sum(dim=0)
    return dx, dweight
