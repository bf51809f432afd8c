"""One batch through two backends: the first tensor that differs, which of the two is wrong, and the likely cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..bounds import derived as bounds
from ..bounds.compare import T2_LIMIT
from ..bounds.rounding import unit_roundoff
from ..cases.mlp import MLPCase, ordinary_case, overflowing_case
from ..checks.backend_under_test import Array, BackendUnderTest, NotThere, as_array
from ..checks.model_under_test import Model
from ..oracle import mlp as oracle
from .likely_cause import likely_cause

Pair = tuple[float, float]  # one for each of the two backends


@dataclass(frozen=True)
class Difference:
    """The first tensor beyond its bound, and its values where it is furthest off."""

    tensor: str
    index: tuple[int, ...]
    values: Pair
    expected: float  # the oracle's
    shares: Pair  # the error of each as a share of what is allowed
    causes: tuple[str, str]  # the likely cause for each that is off; empty for one that is not


@dataclass(frozen=True)
class BatchComparison:
    """(tensor, largest difference as a share of what is allowed) in order of computation, up to the first above 1."""

    case: MLPCase
    steps: tuple[tuple[str, float], ...]
    difference: Difference | None


def compare_backends(
    a: BackendUnderTest, b: BackendUnderTest, dtype: str, seed: int, batch_size: int | None = None
) -> Iterator[BatchComparison]:
    """An ordinary batch and, if nothing differs there, one whose logits overflow exp. Raises NotThere and Wrong."""
    case = ordinary_case(seed, dtype, batch_size)
    first = compare_batch(a, b, case, dtype)
    yield first
    if first.difference is None:
        yield compare_batch(a, b, overflowing_case(case, dtype), dtype)


def compare_batch(a: BackendUnderTest, b: BackendUnderTest, case: MLPCase, dtype: str) -> BatchComparison:
    """Compare a's tensors with b's, allowing the sum of both bounds, and both with the oracle's."""
    ours, theirs = (_tensors(backend, case, dtype) for backend in (a, b))
    batch = case.inputs, case.targets
    values = oracle.mlp({name: p.astype(np.float64) for name, p in case.weights.items()}, *batch)
    limits = bounds.mlp_bounds(case.weights, *batch, dtype)
    steps = []
    for name, expected in values.items():
        if name in ours and name in theirs:
            allowed = np.minimum(limits[name], T2_LIMIT * unit_roundoff(dtype) * np.abs(expected).max())
            pair = ours[name], theirs[name]
            difference, off = share(*pair, 2 * allowed), [share(tensor, expected, allowed) for tensor in pair]
            steps.append((name, float(difference.max())))
            worst = max((*off, difference), key=np.max)
            if worst.max() > 1:
                causes = [
                    likely_cause(name, t, values, case, dtype) if s.max() > 1 else ""
                    for t, s in zip(pair, off, strict=True)
                ]
                return BatchComparison(case, tuple(steps), _difference(name, worst, pair, expected, off, causes))
    return BatchComparison(case, tuple(steps), None)


def share(actual: Array, other: Array, allowed: Array) -> Array:
    """|actual - other| / allowed; infinite where a value is not finite, and for tensors of different shapes."""
    if actual.shape != other.shape or not allowed.size:
        return np.array(np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(actual.astype(np.float64) - other)
        apart = np.where(np.isfinite(apart), apart, np.inf)
        return np.divide(apart, allowed, out=np.where(apart > 0, np.inf, 0.0), where=allowed > 0)


def _tensors(backend: BackendUnderTest, case: MLPCase, dtype: str) -> dict[str, Array]:
    """All tensors of one pass that the backend returns: logits, loss, gradients and, if it has them, intermediates."""
    model = Model(backend, case.sizes, dtype, case.weights)
    found = model.step(case.inputs, case.targets)
    with suppress(NotThere):
        found = {**model.intermediates(), **found}
    return {name: np.asarray(as_array(name, tensor, dtype)) for name, tensor in found.items()}


def _difference(
    name: str, worst: Array, pair: tuple, expected: Array, off: list[Array], causes: list[str]
) -> Difference:
    index = tuple(int(i) for i in np.unravel_index(np.argmax(worst), worst.shape))
    at_index = [float(t[index]) if t.shape == worst.shape == np.shape(expected) else np.nan for t in pair]
    there = float(expected[index]) if np.shape(expected) == worst.shape else np.nan
    return Difference(name, index, tuple(at_index), there, tuple(float(s.max()) for s in off), tuple(causes))
