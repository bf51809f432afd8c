"""linear: a weighted sum of the inputs for each output, plus a bias."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_forward(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """y = x w^T + b        x (B,N)  w (M,N)  b (M,)  ->  y (B,M)"""
    if b is None:
        return x @ w.T
    return torch.addmm(b, x, w.T)  # b + x w^T in one call: (M,) + (B,N) @ (N,M) -> (B,M)


def linear_backward(dy: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """dx = dy w, dw = dy^T x, db = sum of dy over B
    dy (B,M)  x (B,N)  w (M,N)  ->  dx (B,N)  dw (M,N)  db (M,)
    """
    return torch.func.vjp(linear_forward, x, w, dy.new_zeros(dy.shape[1]))[1](dy)
