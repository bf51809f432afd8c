"""linear: a weighted sum of the inputs for each output, plus a bias."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..arithmetic import Native, Strict
from .derive import derive


def linear_forward(x: Tensor, w: Tensor, b: Tensor | None, by: type = Native) -> Tensor:
    """y = x w^T + b        x (B,N)  w (M,N)  b (M,)  ->  y (B,M)"""
    if by is Strict:
        return _StrictLinear.apply(x, w, b)
    if b is None:
        return x @ w.T
    return torch.addmm(b, x, w.T)  # b + x w^T in one call: (M,) + (B,N) @ (N,M) -> (B,M)


def linear_backward(dy: Tensor, x: Tensor, w: Tensor, by: type = Native) -> tuple[Tensor, Tensor, Tensor]:
    """dx = dy w, dw = dy^T x, db = sum of dy over B
    dy (B,M)  x (B,N)  w (M,N)  ->  dx (B,N)  dw (M,N)  db (M,)
    """
    return derive(partial(linear_forward, by=by), dy, x, w, dy.new_zeros(dy.shape[1]))


class _StrictLinear(Function):
    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, w)
        y = Strict.product(x, w.T)
        return y if b is None else y + b

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        x, w = ctx.saved_tensors
        db = Strict.total(dy, 0) if ctx.needs_input_grad[2] else None
        return Strict.product(dy, w), Strict.product(dy.T, x), db
