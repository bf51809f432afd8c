"""Dropout, with masks of torch's own generator or of the counter that every backend draws from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .ops.dropout import dropout_mask


class Counter:
    """Masks by seed, place in the model and step: the same in every backend, whatever was drawn before.

    torch computes them by integer products of 64 bits, which takes longer than a training step.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.step = seed, 0

    @torch.compiler.disable  # it would be compiled again for each step
    def mask(self, x: Tensor, p: float, site: int) -> Tensor:
        """A mask of the shape of x: 0 with probability p, else 1 / (1 - p)."""
        mask = torch.empty_like(x)
        dropout_mask(mask, p, self.seed, site, self.step)
        return mask

    @torch.compiler.disable
    def count(self) -> None:
        """One more step."""
        self.step += 1


class Dropout(nn.Dropout):
    """In training y = x mask; else y = x        (Srivastava et al. 2014)

    `site` numbers its place in the model. Without a counter torch draws the mask.
    """

    def __init__(self, p: float, site: int, counter: Counter | None) -> None:
        super().__init__(p)
        self.site, self.counter = site, counter

    @property
    def is_counted(self) -> bool:
        """Whether it is to take a mask of the counter now."""
        return self.counter is not None and self.training and self.p > 0

    def forward(self, x: Tensor) -> Tensor:
        """x (...) -> (...)."""
        return x * self.counter.mask(x, self.p, self.site) if self.is_counted else super().forward(x)
