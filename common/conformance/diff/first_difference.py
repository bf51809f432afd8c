"""One batch through two backends: where they part first, which of the two is off the oracle, and why that may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..bounds import derived as bounds
from ..bounds.compare import T2_LIMIT
from ..bounds.rounding import unit_roundoff
from ..cases.draws import OVERFLOWING_LOGIT, draw_tokens
from ..cases.mlp import random_mlp_case
from ..checks.backend_under_test import Array, NotThere, Subject, as_array
from ..checks.model_under_test import Model
from ..oracle import mlp as oracle
from .likely_cause import likely_cause

Pair = tuple[float, float]  # one for each of the two backends


@dataclass(frozen=True)
class Case:
    """A batch and the weights it meets."""

    title: str
    sizes: dict[str, int]
    weights: dict[str, Array]
    inputs: Array
    targets: Array


@dataclass(frozen=True)
class Difference:
    """The first tensor beyond its bound, and what stands where it is furthest."""

    tensor: str
    index: tuple[int, ...]
    values: Pair
    expected: float  # the oracle's
    shares: Pair  # how many times what is allowed each is away from the oracle
    causes: tuple[str, str]  # the likely one for each that is off; empty for one that is not


@dataclass(frozen=True)
class Walk:
    """(tensor, the largest difference as a share of what is allowed) in walking order, up to the first beyond it."""

    case: Case
    steps: tuple[tuple[str, float], ...]
    difference: Difference | None


def walks(a: Subject, b: Subject, dtype: str, seed: int, batch_size: int | None = None) -> Iterator[Walk]:
    """An ordinary batch and, if nothing differs there, one whose logits overflow exp. Raises NotThere and Wrong."""
    case = ordinary_case(seed, dtype, batch_size)
    first = walk(a, b, case, dtype)
    yield first
    if first.difference is None:
        yield walk(a, b, overflowing(case, dtype), dtype)


def walk(a: Subject, b: Subject, case: Case, dtype: str) -> Walk:
    """Hold a's tensors against b's, allowing the sum of both bounds, and both against the oracle's."""
    ours, theirs = (_tensors(subject, case, dtype) for subject in (a, b))
    batch = case.inputs, case.targets
    values = oracle.mlp({name: p.astype(np.float64) for name, p in case.weights.items()}, *batch)
    limits = bounds.mlp_bounds(case.weights, *batch, dtype)
    steps = []
    for name, expected in values.items():
        if name in ours and name in theirs:
            vice = T2_LIMIT * unit_roundoff(dtype) * np.abs(expected).max()
            allowed = np.minimum(limits[name], vice)
            pair = ours[name], theirs[name]
            apart, off = share(*pair, 2 * allowed), [share(tensor, expected, allowed) for tensor in pair]
            steps.append((name, float(apart.max())))
            worst = max((*off, apart), key=np.max)
            if worst.max() > 1:
                causes = [
                    likely_cause(name, t, values, case, dtype) if s.max() > 1 else ""
                    for t, s in zip(pair, off, strict=True)
                ]
                return Walk(case, tuple(steps), _difference(name, worst, pair, expected, off, causes))
    return Walk(case, tuple(steps), None)


def share(actual: Array, other: Array, allowed: Array) -> Array:
    """|actual - other| / allowed; infinite where a value is not finite, and for tensors of unlike shapes."""
    if actual.shape != other.shape or not allowed.size:
        return np.array(np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(actual.astype(np.float64) - other)
        apart = np.where(np.isfinite(apart), apart, np.inf)
        return np.divide(apart, allowed, out=np.where(apart > 0, np.inf, 0.0), where=allowed > 0)


def ordinary_case(seed: int, dtype: str, batch_size: int | None = None) -> Case:
    """A random case none of whose logits overflows exp, of any batch size."""
    rng = np.random.default_rng(seed)
    while True:
        sizes, weights, inputs, targets = random_mlp_case(rng, dtype)
        if np.abs(weights["fc2.bias"]).max() < min(OVERFLOWING_LOGIT.values()) / 2:
            break
    if batch_size is not None:
        rows = max(batch_size, 4)  # what draw_tokens needs
        sizes = {**sizes, "B": batch_size}
        inputs = draw_tokens(rng, (rows, sizes["T"]), sizes["V"])[:batch_size]
        targets = draw_tokens(rng, (rows,), sizes["V"])[:batch_size]
    return Case("an ordinary batch", sizes, weights, inputs, targets)


def overflowing(case: Case, dtype: str) -> Case:
    """The same with one token's bias so large that exp of its logit is infinite; no row aims at that token."""
    weights, V = {name: p.copy() for name, p in case.weights.items()}, case.sizes["V"]
    weights["fc2.bias"][V - 2] += OVERFLOWING_LOGIT[np.dtype(dtype)]
    targets = np.where(case.targets == V - 2, V - 1, case.targets)
    return Case("a batch whose logits overflow exp", case.sizes, weights, case.inputs, targets)


def _tensors(subject: Subject, case: Case, dtype: str) -> dict[str, Array]:
    """All that the backend names of one pass; without intermediates(), the logits, the loss and the gradients."""
    model = Model(subject, case.sizes, dtype, case.weights)
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
