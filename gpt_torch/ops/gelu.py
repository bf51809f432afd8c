"""gelu: let each number through by the share of a normal distribution that is below it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gelu_forward(x: Tensor) -> Tensor:
    """y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))        x (...)  ->  y (...)"""
    return F.gelu(x, approximate="tanh")


def gelu_backward(dy: Tensor, x: Tensor) -> Tensor:
    """dx = dy ((1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 0.044715 x^2)), t the tanh of the forward
    dy (...)  x (...)  ->  dx (...)
    """
    return torch.ops.aten.gelu_backward(dy, x, approximate="tanh")  # what autograd calls
