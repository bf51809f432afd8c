"""One batch through two backends, and a few steps of their optimizers: the first tensor that differs, which of the two
is wrong, and the likely cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..bounds.compare import T2_LIMIT
from ..bounds.derived import OPTIMIZERS, mlp_bounds
from ..bounds.rounding import unit_roundoff
from ..cases.mlp import MLPCase, ordinary_case, overflowing_case
from ..checks.backend_under_test import Array, BackendUnderTest, NotThere, Wrong, as_array
from ..checks.model_under_test import Model
from ..oracle import mlp as oracle
from . import optimizers, sources
from .likely_cause import cause_in_step, likely_cause

Pair = tuple[float, float]  # one for each of the two backends


@dataclass(frozen=True)
class Difference:
    """The first tensor beyond its bound, and its values where it is furthest off."""

    tensor: str
    index: tuple[int, ...] | None  # None if the shapes differ
    values: Pair
    expected: float  # the oracle's
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    shares: Pair  # the error of each as a share of what is allowed
    causes: tuple[str, str]  # the likely cause for each that is off; empty for one that is not
    places: tuple[str, str]  # the line of source of each


@dataclass(frozen=True)
class Comparison:
    """(tensor, largest difference as a share of what is allowed) in order of computation, up to the first above 1."""

    title: str
    steps: tuple[tuple[str, float], ...]
    difference: Difference | None
    missing: tuple[str, ...] = ()  # what was not compared, as one of the two does not have it


def compare_backends(
    a: BackendUnderTest, b: BackendUnderTest, dtype: str, seed: int, batch_size: int | None = None
) -> Iterator[Comparison]:
    """An ordinary batch; one whose logits overflow exp; the optimizers. The first difference ends it.

    Raises NotThere and Wrong.
    """
    case = ordinary_case(seed, dtype, batch_size)
    comparisons: list[Callable[[], Comparison]] = [
        partial(compare_batch, a, b, case, dtype),
        partial(compare_batch, a, b, overflowing_case(case, dtype), dtype),
        *(partial(compare_optimizer, a, b, name, case, seed, dtype) for name in OPTIMIZERS),
    ]
    for compare in comparisons:
        found = compare()
        yield found
        if found.difference is not None:
            return


def compare_batch(a: BackendUnderTest, b: BackendUnderTest, case: MLPCase, dtype: str) -> Comparison:
    """Compare a's tensors with b's, allowing the sum of both bounds, and both with the oracle's."""
    ours, theirs = (_tensors(backend, case, dtype) for backend in (a, b))
    batch = case.inputs, case.targets
    values = oracle.mlp({name: p.astype(np.float64) for name, p in case.weights.items()}, *batch)
    limits = mlp_bounds(case.weights, *batch, dtype)
    title = f"{case.title} ({', '.join(f'{name} {size}' for name, size in case.sizes.items())})"
    missing = tuple(name for name in values if name not in ours or name not in theirs)

    def place(name: str, backend: BackendUnderTest, is_wrong: bool) -> str:
        op, caller = sources.COMPUTED_BY[name], sources.caller(name)
        given = sources.given_to(name, case, values)
        if is_wrong and sources.right_by_itself(backend, op, given, dtype):
            return f"{sources.caller_of(backend, *caller)}, as {op} itself is right"
        return sources.source_of(backend, op, caller)

    steps = []
    for name, expected in values.items():
        if name not in missing:
            allowed = np.minimum(limits[name], T2_LIMIT * unit_roundoff(dtype) * np.abs(expected).max())
            pair = ours[name], theirs[name]
            largest, difference = _compared(
                (a, b),
                name,
                pair,
                expected,
                allowed,
                lambda t, name=name: likely_cause(name, t, values, case, dtype),
                partial(place, name),
            )
            steps.append((name, largest))
            if difference is not None:
                return Comparison(title, tuple(steps), difference, missing)
    return Comparison(title, tuple(steps), None, missing)


def compare_optimizer(
    a: BackendUnderTest, b: BackendUnderTest, name: str, case: MLPCase, seed: int, dtype: str
) -> Comparison:
    """A few steps of nn.SGD or nn.AdamW from the same parameters, with the same gradients."""
    title, start = f"{name}, {len(optimizers.RATES)} steps", case.weights
    grads = optimizers.gradients(start, seed, dtype)
    found, missing = [], []
    for backend in (a, b):
        try:
            found.append(optimizers.steps_of(backend, name, start, grads, dtype))
        except NotThere:
            missing.append(f"{name}, which {backend.name} does not have")
        except Wrong as error:
            raise Wrong(f"{backend.name}: {error}") from error
    steps: list[tuple[str, float]] = []
    if missing:
        return Comparison(title, (), None, tuple(missing))
    op = OPTIMIZERS[name][0]
    for step, (values, limits, given) in enumerate(optimizers.expected_steps(name, start, grads, dtype)):
        shares = []
        for key, expected in values.items():
            pair = found[0][step][key], found[1][step][key]

            def cause(actual: Array, key: str = key, step: int = step) -> str:
                return cause_in_step(name, actual, start[key], [g[key] for g in grads], step, dtype)

            def place(backend: BackendUnderTest, is_wrong: bool, arguments: dict = given[key]) -> str:
                if is_wrong and sources.right_by_itself(backend, op, arguments, dtype):
                    return f"{sources.caller_of(backend, name, '_update', 'step')}, as {op} itself is right"
                return sources.source_of(backend, op, (name, "_update", "step"))

            label = f"{key} after step {step + 1} of {name}"
            share_, difference = _compared((a, b), label, pair, expected, limits[key], cause, place)
            shares.append(share_)
            if difference is not None:
                return Comparison(title, (*steps, (f"step {step + 1}", max(shares))), difference)
        steps.append((f"step {step + 1}", max(shares)))
    return Comparison(title, tuple(steps), None)


def _compared(
    backends: tuple[BackendUnderTest, BackendUnderTest],
    name: str,
    pair: tuple[Array, Array],
    expected: Array,
    allowed: Array,
    cause: Callable[[Array], str],
    place: Callable[[BackendUnderTest, bool], str],
) -> tuple[float, Difference | None]:
    """The largest difference as a share of what two correct backends may have; what is wrong, if it is."""
    difference, off = share(*pair, 2 * allowed), [share(tensor, expected, allowed) for tensor in pair]
    worst = max((*off, difference), key=np.max)
    if not worst.max() > 1:
        return float(difference.max()), None
    wrong = [bool(s.max() > 1) for s in off]
    same = all(np.shape(t) == np.shape(expected) for t in pair)
    index = tuple(int(i) for i in np.unravel_index(np.argmax(worst), worst.shape)) if same else None
    at_index = [float(t[index]) if index is not None else np.nan for t in (*pair, np.asarray(expected))]
    return float(difference.max()), Difference(
        tensor=name,
        index=index,
        values=(at_index[0], at_index[1]),
        expected=at_index[2],
        shapes=(np.shape(pair[0]), np.shape(pair[1])),
        shares=(float(off[0].max()), float(off[1].max())),
        causes=tuple(cause(t) if w else "" for t, w in zip(pair, wrong, strict=True)),
        places=tuple(place(b, w) for b, w in zip(backends, wrong, strict=True)),
    )


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
    try:
        model = Model(backend, case.sizes, dtype, case.weights)
        found = model.step(case.inputs, case.targets)
        with suppress(NotThere):
            found = {**model.intermediates(), **found}
        arrays = {name: as_array(name, tensor, dtype) for name, tensor in found.items()}
        for name, array in arrays.items():
            if not isinstance(array, float) and array.dtype != np.dtype(dtype):
                raise Wrong(f"{name} is {array.dtype}; it must be {dtype}")
    except (NotThere, Wrong) as error:
        raise type(error)(f"{backend.name}: {error}") from error
    return {name: np.asarray(array) for name, array in arrays.items()}
