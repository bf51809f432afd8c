"""One tensor against the oracle: T1, the derived bound, and T2, at most 32 u. An empty tensor or a NaN never passes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .rounding import unit_roundoff

# Correct code stays below T2_SEEN on random_mlp_case; the weakest of sixteen gradient mutants was at 37 u in float32.
# Widening either takes a reviewed commit that says why.
T2_SEEN, T2_LIMIT = 16, 32

# The errors of n roundings add up to less than PROBABLE sqrt(n) of the largest, but for three sums in 10,000; n is the
# worst case, which T1 allows (Higham and Mary 2019). A partial sum of n terms in any order is at most half the sum of
# their sizes, 0.64 n for products of unit scale, and the largest of MANY sums is about 3 sqrt(n): together 0.42 n u.
PROBABLE, U_PER_TERM, MANY = 4, 0.5, 64

# The inputs are of unit scale, so a tensor whose largest entry is below float32's u is rounding noise, not a result.
T2_FLOOR = 2.0**-24


class VacuousComparison(ValueError):
    """The comparison would prove nothing: values that are not finite, or an oracle that is zero everywhere."""


@dataclass(frozen=True)
class Measurement:
    """How one tensor compares; the two values are those at `index`, where |error| / bound is largest."""

    name: str
    max_error: float  # largest |actual - oracle|
    u_of_largest: float  # that error in units of u max|oracle|
    share_of_bound: float  # T1: largest |error| / bound; 0/0 counts as 0, and inf where only the bound is 0
    t2_share: float  # u_of_largest / T2_LIMIT
    index: tuple[int, ...]
    actual: float
    expected: float
    finite: bool
    ok: bool
    reason: str  # why not ok; empty if it is
    ulp_of_largest: float = np.nan  # that error in ULP of max|oracle|, which is 1 to 2 u of it
    tensors: tuple[np.ndarray, ...] = field(default=(), repr=False, compare=False)  # both of them, if not ok

    def by_t1_alone(self) -> Measurement:
        """Judged without T2, where it does not apply: a trajectory, or sums of so few terms that they may cancel."""
        return replace(self, ok=True, reason="", t2_share=np.nan) if self.share_of_bound <= 1 else self

    def joined(self, other: Measurement) -> Measurement:
        """The largest of each figure, with the place and the values of whichever is worse."""
        place = max(self, other, key=lambda m: (not m.ok, max(m.share_of_bound, m.t2_share)))
        figures = ("max_error", "u_of_largest", "share_of_bound", "t2_share", "ulp_of_largest")
        return replace(place, **{name: max(getattr(self, name), getattr(other, name)) for name in figures})


def t2_error(actual: ArrayLike, oracle: ArrayLike, dtype: DTypeLike) -> float:
    """max|actual - oracle| / (u max|oracle|). Raises VacuousComparison where that proves nothing."""
    actual, oracle = np.asarray(actual, np.float64), np.asarray(oracle, np.float64)
    if actual.shape != oracle.shape:
        raise ValueError(f"shape {actual.shape} where the oracle has {oracle.shape}")
    if not (np.isfinite(actual).all() and np.isfinite(oracle).all()):
        raise VacuousComparison("not finite")
    largest = np.max(np.abs(oracle), initial=0.0)
    if largest < T2_FLOOR:
        raise VacuousComparison(f"the oracle's largest entry is {largest:.3g}, under the floor of {T2_FLOOR:.3g}")
    return float(np.max(np.abs(actual - oracle)) / (unit_roundoff(dtype) * largest))


def compare(
    name: str, actual: Any, oracle: ArrayLike, bound: ArrayLike, dtype: DTypeLike, terms: float | None = None
) -> Measurement:
    """Compare a backend's tensor with the oracle's: each element by its bound (T1), the whole by T2.

    T2 is T2_LIMIT. With `terms`, the number of terms in the tensor's longest sum, it is also what so long a sum may be
    off by in any order: PROBABLE / sqrt(terms) of the largest bound, and where the tensor has MANY entries no more than
    U_PER_TERM u a term. A Python float counts as a scalar of any dtype, since a loss may be one.
    """
    oracle, bound, actual, refusal = _fitting(name, actual, oracle, bound, dtype)
    if refusal is not None:
        return refusal
    if not np.isfinite(actual).all():
        return _refused(name, "not finite", np.argmin(np.isfinite(actual)), actual, oracle)
    if not np.isfinite(bound).all():
        return _refused(name, "the bound itself is not finite")
    try:
        in_u = t2_error(actual, oracle, dtype)
    except VacuousComparison as vacuous:
        return _refused(name, f"vacuous: {vacuous}", 0, actual, oracle)
    limit = T2_LIMIT
    if terms is not None:
        probable = PROBABLE / np.sqrt(terms) * bound.max() / (unit_roundoff(dtype) * np.abs(oracle).max())
        limit = max(limit, min(float(probable), U_PER_TERM * terms if actual.size >= MANY else np.inf))
    return _measured(name, actual, oracle, bound, in_u, np.dtype(dtype), limit)


def compare_any(
    name: str, actual: Any, oracle: ArrayLike, bound: ArrayLike, dtype: DTypeLike, infinities_stay: bool = False
) -> Measurement:
    """Compare numbers of all magnitudes, each by its bound (T1) alone.

    What is not finite must be where the oracle's is: a NaN where it has one; where it has an infinity, the same one,
    or, unless `infinities_stay`, a NaN, as inf - inf may come in between.
    """
    oracle, bound, actual, refusal = _fitting(name, actual, oracle, bound, dtype)
    if refusal is not None:
        return refusal
    finite = np.isfinite(oracle)
    differs, is_nan = actual != oracle, np.isnan(actual)
    wrong = np.where(finite, ~np.isfinite(actual), np.where(np.isnan(oracle), ~is_nan, differs))
    if not infinities_stay:
        wrong &= ~(is_nan & np.isinf(oracle))
    if wrong.any():
        place = np.argmax(wrong)
        reason = (
            "not finite" if finite.flat[place] else "it must be what IEEE 754 makes of the NaN or infinity that came in"
        )
        return _refused(name, reason, place, actual, oracle)
    unbounded = finite & ~np.isfinite(bound)
    if unbounded.any():
        return _refused(name, "the bound itself is not finite", np.argmax(unbounded), actual, oracle)
    clean = [np.where(finite, array, 0.0) for array in (actual, oracle, bound)]
    return _measured(name, *clean, np.nan, np.dtype(dtype), np.inf)


def _fitting(name: str, actual: Any, oracle: ArrayLike, bound: ArrayLike, dtype: DTypeLike) -> tuple:
    """(oracle, bound, actual, None) in float64, or a refusal last where shape or dtype is not what was asked for."""
    oracle, bound = np.asarray(oracle, np.float64), np.asarray(bound, np.float64)
    scalar = isinstance(actual, float) and not isinstance(actual, np.generic)
    actual, refusal = np.asarray(actual), None
    if actual.shape != oracle.shape:
        refusal = _refused(name, f"shape {actual.shape} where the oracle has {oracle.shape}")
        refusal = replace(refusal, tensors=(actual, oracle) if actual.dtype.kind in "biuf" else ())
    elif actual.dtype != np.dtype(dtype) and not (scalar and oracle.shape == ()):
        refusal = _refused(name, f"dtype {actual.dtype} where {np.dtype(dtype)} was asked for")
    elif bound.shape != oracle.shape or np.any(bound < 0):
        refusal = _refused(name, "the bound itself is not an array of numbers from 0 of this shape")
    else:
        actual = actual.astype(np.float64)
    return oracle, bound, actual, refusal


def _measured(
    name: str, actual: np.ndarray, oracle: np.ndarray, bound: np.ndarray, in_u: float, dtype: np.dtype, limit: float
) -> Measurement:
    error = np.abs(actual - oracle)
    share = np.divide(error, bound, out=np.where(error > 0, np.inf, 0.0), where=bound > 0)
    worst = np.unravel_index(np.argmax(share), share.shape)
    reasons = []
    if share[worst] > 1:
        reasons.append(f"T1: {share[worst]:.3g} times the derived bound")
    elif in_u > limit:
        reasons.append(f"T2: {in_u:.3g} u of the largest entry, {limit:.3g} u allowed")
    return Measurement(
        name=name,
        max_error=float(error.max()),
        u_of_largest=in_u,
        share_of_bound=float(share[worst]),
        t2_share=in_u / limit,
        index=tuple(int(i) for i in worst),
        actual=float(actual[worst]),
        expected=float(oracle[worst]),
        finite=True,
        ok=not reasons,
        reason="; ".join(reasons),
        ulp_of_largest=float(error.max() / np.spacing(dtype.type(np.max(np.abs(oracle))))),
        tensors=(actual, oracle) if reasons else (),
    )


def _refused(
    name: str, reason: str, place: int = 0, actual: np.ndarray | None = None, oracle: np.ndarray | None = None
) -> Measurement:
    """Nothing was compared: every figure is infinite, so that no maximum hides it."""
    index, here, there = (), np.nan, np.nan
    if actual is not None and oracle is not None and actual.size:
        index = np.unravel_index(place, actual.shape)
        here, there = float(actual[index]), float(oracle[index])
    finite = actual is not None and bool(np.isfinite(actual).all())
    index = tuple(int(i) for i in index)
    infinite, tensors = [np.inf] * 4, () if actual is None or oracle is None else (actual, oracle)
    return Measurement(name, *infinite, index, here, there, finite, False, reason, np.inf, tensors)
