"""Sums, matrix products, tanh, exp, log, sqrt, correctly rounded: each result is the float32 nearest to the exact one.

So it does not depend on the order of additions, the CPU, the BLAS or the number of threads. An exact zero is +0.
Autograd knows nothing of what is done here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor
from torch.linalg import vector_norm

from nnz.numbers import exact_sums, hard_cases

TALLY = exact_sums.Tally()


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """a (...,I,K)  b (...,K,J)  ->  (...,I,J); a product of two float32s is exact in float64: only additions round."""
    a, b = a.double(), b.double()
    error = exact_sums.sum_error(b.shape[-2]) * vector_norm(a, dim=-1)
    error = error[..., None] * vector_norm(b, dim=-2)[..., None, :]
    return _nearest_sum(a @ b, error, lambda *at: a[at[:-1]] * b.mT[*at[:-2], at[-1]])


def sum_along(a: Tensor, dim: int) -> Tensor:
    """The sums along an axis: a product with ones."""
    if dim == 0 and a.ndim > 1:
        return matmul(torch.ones(1, len(a)), a)[0]
    return matmul(a.reshape(-1, a.shape[-1]), torch.ones(a.shape[-1], 1)).reshape(a.shape[:-1])


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The sums of a[...,k] b[...,k] over k        a, b (...,K)  ->  (...)"""
    return matmul(a[..., None, :], b[..., None])[..., 0, 0]


def scatter_add(rows: Tensor, ids: Tensor, V: int) -> Tensor:
    """table[v] = the sum of the rows whose id is v        rows (n,E)  ids (n,)  ->  table (V,E)"""
    order = ids.argsort(stable=True)  # equal ids side by side, so that each run of them is one sum
    used, which, counts = torch.unique(ids[order], return_inverse=True, return_counts=True)
    rows, zeros = rows[order].double(), torch.zeros(len(used), rows.shape[1], dtype=torch.float64)
    value, sizes = zeros.index_add(0, which, rows), zeros.index_add(0, which, rows.abs())
    ends = counts.cumsum(0).tolist()
    each = [slice(end - count, end) for end, count in zip(ends, counts.tolist(), strict=True)]
    sums = _nearest_sum(
        value,
        exact_sums.sum_error(counts[:, None]) * sizes,
        lambda i, j: (rows[each[a], b] for a, b in zip(i.tolist(), j.tolist(), strict=True)),
    )
    return sums.new_zeros(V, rows.shape[1]).index_copy_(0, used.long(), sums)


def tanh(x: Tensor) -> Tensor:
    """tanh(x), elementwise."""
    return _nearest_value("tanh", torch.tanh, x)


def exp(x: Tensor) -> Tensor:
    """exp(x), elementwise."""
    return _nearest_value("exp", torch.exp, x)


def log(x: Tensor) -> Tensor:
    """log(x), elementwise."""
    return _nearest_value("log", torch.log, x)


def sqrt(x: Tensor) -> Tensor:
    """By way of float64, whose root rounds to the right float32; torch's own in float32 is at times one off."""
    return x.double().sqrt().float()


def _nearest_sum(value: Tensor, error: Tensor, terms: Callable[..., Iterable[Tensor]]) -> Tensor:
    """Round sums in float64, each off by up to `error`; terms(i, j) are what each value[i, j] is the sum of."""
    low, high = (value - error).float(), error.add_(value).float()
    at = torch.nonzero(low != high, as_tuple=True)
    if len(at[0]):
        sums = value[at].where(~value[at].isfinite(), 0)  # an infinity or a NaN stays what it is
        finite = torch.nonzero(sums == 0).flatten()
        exactly = [exact_sums.round_to_odd(each.tolist()) for each in terms(*(i[finite] for i in at))]
        sums[finite] = torch.tensor(exactly, dtype=torch.float64)
        low[at] = sums.float()
    TALLY.add(low.numel(), len(at[0]))
    return low.add_(0.0)  # -0 becomes +0


def _nearest_value(name: str, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Round function(x) in float64; where that cannot tell, x may be in the table of hard cases."""
    value = function(x.double())
    low, high = (value * (1 - hard_cases.MARGIN)).float(), (value * (1 + hard_cases.MARGIN)).float()
    undecided = (low != high) & ~value.isnan()
    if undecided.any():
        both = (x[undecided], value[undecided].float())
        bits = np.array(exact_sums.look_up(name, *(each.numpy().view(np.uint32).tolist() for each in both)), np.uint32)
        low[undecided] = torch.from_numpy(bits.view(np.float32))
    return low
