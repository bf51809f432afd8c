"""tanh: squash each number into (-1, 1)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..arithmetic import Native, Strict


def tanh_forward(x: Tensor, by: type = Native) -> Tensor:
    """y = tanh(x)        x (...)  ->  y (...)"""
    return _StrictTanh.apply(x) if by is Strict else torch.tanh(x)


def tanh_backward(dy: Tensor, y: Tensor, by: type = Native) -> Tensor:
    """dx = dy (1 - y^2)        dy (...)  y (...)  ->  dx (...)"""
    if by is Strict:
        return dy * (1 - y * y)
    return torch.ops.aten.tanh_backward(dy, y)  # what autograd calls: it keeps y, so that x need not be known


class _StrictTanh(Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        y = Strict.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor) -> Tensor:
        return tanh_backward(dy, *ctx.saved_tensors, Strict)
