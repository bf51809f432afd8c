"""dropout: set numbers to 0 at random, so that no output relies on one of them alone."""

from __future__ import annotations

import numpy as np

ROUNDS = 10
MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B


def dropout_mask(mask: np.ndarray, p: float, seed: int, site: int, step: int) -> None:
    """mask[i] = 1 / (1 - p) where (x[i] >> 11) / 2^53 >= p, else 0,
    x[i] = word i mod 4 of Philox4x64-10 with key (seed, site) and counter (step, i div 4, 0, 0)
    mask (...)  ->  mask (...)

    The numbers come from a counter, not from a sequence: any element can be drawn without those before it.
    """
    blocks = np.arange((mask.size + 3) // 4, dtype=np.uint64)
    x = _philox(step, blocks, seed, site)[: mask.size].reshape(mask.shape)
    mask[...] = np.where((x >> 11) * 2.0**-53 >= p, 1 / (1 - p), 0)


def dropout_forward(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """y = x mask        x (...)  mask (...)  ->  y (...)"""
    return x * mask


def dropout_backward(dy: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """dx = dy mask        dy (...)  mask (...)  ->  dx (...)"""
    return dy * mask


def _philox(step: int, blocks: np.ndarray, seed: int, site: int) -> np.ndarray:
    """The four words of each counter (step, block, 0, 0), one after the other; numpy.random.Philox gives the same."""
    zeros = np.zeros_like(blocks)
    x0, x1, x2, x3 = zeros + np.uint64(step), blocks, zeros, zeros
    for r in range(ROUNDS):
        key0, key1 = np.uint64((seed + r * KEY_STEPS[0]) % 2**64), np.uint64((site + r * KEY_STEPS[1]) % 2**64)
        (high0, low0), (high1, low1) = _product(MULTIPLIERS[0], x0), _product(MULTIPLIERS[1], x2)
        x0, x1, x2, x3 = high1 ^ x1 ^ key0, low1, high0 ^ x3 ^ key1, low0
    return np.stack((x0, x1, x2, x3), axis=1).reshape(-1)


def _product(a: int, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The upper and the lower 64 bits of a b, out of products of 32 bits."""
    a1, a0, b1, b0 = np.uint64(a >> 32), np.uint64(a % 2**32), b >> 32, b & 0xFFFFFFFF
    lower = a1 * b0 + (a0 * b0 >> 32)
    middle = a0 * b1 + (lower & 0xFFFFFFFF)
    return a1 * b1 + (lower >> 32) + (middle >> 32), np.uint64(a) * b
