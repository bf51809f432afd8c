"""The backward of any forward, by autograd: this one function stands for every gradient written by hand elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def derive(forward: Callable[..., Tensor], dy: Tensor, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
    """The gradient by each input, given dy, the gradient by what `forward(*inputs)` returns."""
    leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    gradients = torch.autograd.grad(forward(*leaves), leaves, dy)
    return gradients[0] if len(gradients) == 1 else gradients
