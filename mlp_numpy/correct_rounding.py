"""Sums, matrix products, tanh, exp and log, correctly rounded: each result is the float32 nearest to the exact one.

So it does not depend on the order of additions, the CPU, the BLAS or the number of threads. An exact zero is +0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from nnz.numbers import exact_sums, hard_cases

Array = np.ndarray
TALLY = exact_sums.Tally()


def matmul(a: Array, b: Array) -> Array:
    """a (...,I,K)  b (...,K,J)  ->  (...,I,J); a product of two float32s is exact in float64: only additions round."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    rows, columns = np.sqrt(np.einsum("...ik,...ik->...i", a, a)), np.sqrt(np.einsum("...kj,...kj->...j", b, b))
    error = (exact_sums.sum_error(b.shape[-2]) * rows)[..., None] * columns[..., None, :]
    return _nearest_sum(a @ b, error, lambda *at: a[at[:-1]] * b.swapaxes(-1, -2)[*at[:-2], at[-1]])


def sum_along(a: Array, axis: int) -> Array:
    """A sum is a product with ones."""
    if axis == 0 and a.ndim > 1:
        return matmul(np.ones((1, len(a)), np.float32), a)[0]
    return matmul(a.reshape(-1, a.shape[-1]), np.ones((a.shape[-1], 1), np.float32)).reshape(a.shape[:-1])


def dot(a: Array, b: Array) -> Array:
    """The sums of a[...,k] b[...,k] over k        a, b (...,K)  ->  (...)"""
    a, b = a.astype(np.float64), b.astype(np.float64)
    error = exact_sums.sum_error(a.shape[-1]) * np.sqrt(np.einsum("...k,...k->...", a, a))
    error *= np.sqrt(np.einsum("...k,...k->...", b, b))
    return _nearest_sum(np.einsum("...k,...k->...", a, b), error, lambda *at: a[at] * b[at])


def scatter_add(rows: Array, ids: Array, V: int) -> Array:
    """table[v] = the sum of the rows whose id is v        rows (n,E)  ids (n,)  ->  table (V,E)"""
    order = ids.argsort(kind="stable")
    used, first, counts = np.unique(ids[order], return_index=True, return_counts=True)
    rows = rows[order].astype(np.float64)
    value, sizes = np.add.reduceat(rows, first), np.add.reduceat(np.abs(rows), first)
    each = list(map(slice, first, first + counts))
    table = np.zeros((V, rows.shape[-1]), np.float32)
    table[used] = _nearest_sum(
        value,
        exact_sums.sum_error(counts[:, None]) * sizes,
        lambda i, j: (rows[each[a], b] for a, b in zip(i, j, strict=True)),
    )
    return table


def tanh(x: Array) -> Array:
    """tanh(x), elementwise."""
    return _nearest_value("tanh", np.tanh, x)


def exp(x: Array) -> Array:
    """exp(x), elementwise."""
    return _nearest_value("exp", np.exp, x)


def log(x: Array) -> Array:
    """log(x), elementwise."""
    return _nearest_value("log", np.log, x)


def _nearest_sum(value: Array, error: Array, terms: Callable[..., Iterable[Array]]) -> Array:
    """Round sums in float64, each off by up to `error`; terms(i, j) are what each value[i, j] is the sum of."""
    with np.errstate(all="ignore"):
        low = (value - error).astype(np.float32)
        high = np.add(value, error, out=error).astype(np.float32)
        at = np.nonzero(low != high)
        if len(at[0]):
            sums = np.where(np.isfinite(value[at]), 0, value[at])  # an infinity or a NaN stays what it is
            finite = np.flatnonzero(sums == 0)
            sums[finite] = [exact_sums.round_to_odd(each.tolist()) for each in terms(*(i[finite] for i in at))]
            low[at] = sums
    TALLY.add(low.size, len(at[0]))
    low += 0.0  # -0 becomes +0
    return low


def _nearest_value(name: str, function: Callable[[Array], Array], x: Array) -> Array:
    """Round function(x) in float64; where that cannot tell, x may be in the table of hard cases."""
    with np.errstate(all="ignore"):
        value = function(x.astype(np.float64))
        low = np.asarray((value * (1 - hard_cases.MARGIN)).astype(np.float32))  # of a 0-d array too
        high = (value * (1 + hard_cases.MARGIN)).astype(np.float32)
    undecided = (low != high) & ~np.isnan(value)
    if undecided.any():
        both = (x[undecided], value[undecided].astype(np.float32))
        bits = exact_sums.look_up(name, *(each.view(np.uint32).tolist() for each in both))
        low[undecided] = np.array(bits, np.uint32).view(np.float32)
    return low
