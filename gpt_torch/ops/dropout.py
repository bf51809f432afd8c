"""dropout: set numbers to 0 at random, so that no output relies on one of them alone."""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDS = 10
MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B


def dropout_mask(mask: Tensor, p: float, seed: int, site: int, step: int) -> None:
    """mask[i] = 1 / (1 - p) where (x[i] >> 11) / 2^53 >= p, else 0,
    x[i] = word i mod 4 of Philox4x64-10 with key (seed, site) and counter (step, i div 4, 0, 0)
    mask (...)  ->  mask (...)

    The numbers come from a counter, not from a sequence: any element can be drawn without those before it.
    """
    blocks = mask.new_ones((mask.numel() + 3) // 4, dtype=torch.int64).cumsum(0) - 1  # 0, 1, 2, ... where the mask is
    x = _philox(step, blocks, seed, site)[: mask.numel()].view(mask.shape)
    uniform = _shifted(x, 11).double() * 2.0**-53
    mask.copy_((uniform >= p).double() * (1 / (1 - p)))


def dropout_forward(x: Tensor, mask: Tensor) -> Tensor:
    """y = x mask        x (...)  mask (...)  ->  y (...)"""
    return x * mask


def dropout_backward(dy: Tensor, mask: Tensor) -> Tensor:
    """dx = dy mask        dy (...)  mask (...)  ->  dx (...)"""
    return dy * mask


def _philox(step: int, blocks: Tensor, seed: int, site: int) -> Tensor:
    """The four words of each counter (step, block, 0, 0), one after the other; numpy.random.Philox gives the same.

    In int64, whose sums and products have the bits of uint64.
    """
    zeros = torch.zeros_like(blocks)
    x0, x1, x2, x3 = zeros + _signed(step), blocks, zeros, zeros
    for r in range(ROUNDS):
        key0, key1 = _signed(seed + r * KEY_STEPS[0]), _signed(site + r * KEY_STEPS[1])
        (high0, low0), (high1, low1) = _product(MULTIPLIERS[0], x0), _product(MULTIPLIERS[1], x2)
        x0, x1, x2, x3 = high1 ^ x1 ^ key0, low1, high0 ^ x3 ^ key1, low0
    return torch.stack((x0, x1, x2, x3), dim=1).flatten()


def _product(a: int, b: Tensor) -> tuple[Tensor, Tensor]:
    """The upper and the lower 64 bits of a b, out of products of 32 bits."""
    a1, a0, b1, b0 = a >> 32, a % 2**32, _shifted(b, 32), b & 0xFFFFFFFF
    lower = a1 * b0 + _shifted(a0 * b0, 32)
    middle = a0 * b1 + (lower & 0xFFFFFFFF)
    return a1 * b1 + _shifted(lower, 32) + _shifted(middle, 32), _signed(a) * b


def _shifted(x: Tensor, bits: int) -> Tensor:
    """x >> bits as of an unsigned number: zeros come in from the left."""
    return (x >> bits) & (2 ** (64 - bits) - 1)


def _signed(word: int) -> int:
    """The int64 of the same bits as word mod 2^64."""
    return (word + 2**63) % 2**64 - 2**63
