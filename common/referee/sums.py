"""Matrix products a b whose sums are rounded in different ways: an honest program may use any of them.

a (..., n, K) and b (..., K, m) -> (..., n, m), all of one dtype.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def one_by_one(a: Array, b: Array) -> Array:
    """From the first term to the last; each product and each sum is rounded."""
    total = a[..., :, :1] * b[..., :1, :]
    for k in range(1, a.shape[-1]):
        total = total + a[..., :, k : k + 1] * b[..., k : k + 1, :]
    return total


def fused(a: Array, b: Array) -> Array:
    """The same, but a product is not rounded before it is added, as by a fused multiply-add."""
    wide, rows = a.astype(np.float64), b.astype(np.float64)
    total = np.zeros_like(a[..., :, :1] * b[..., :1, :])
    for k in range(a.shape[-1]):
        total = (total + wide[..., :, k : k + 1] * rows[..., k : k + 1, :]).astype(a.dtype)
    return total


def by_pairs(a: Array, b: Array) -> Array:
    """Neighbours are added, then the sums of neighbours, until one is left."""
    terms = a[..., :, :, None] * b[..., None, :, :]  # (..., n, K, m)
    while (count := terms.shape[-2]) > 1:
        last = terms[..., count - count % 2 :, :]
        terms = np.concatenate([terms[..., 0 : count - 1 : 2, :] + terms[..., 1:count:2, :], last], axis=-2)
    return terms[..., 0, :]


def in_float64(a: Array, b: Array) -> Array:
    """In float64, rounded once at the end, as where numbers are only stored in float32."""
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(a.dtype)


PRODUCTS = {"blas": np.matmul} | {f.__name__.replace("_", " "): f for f in (one_by_one, fused, by_pairs, in_float64)}
