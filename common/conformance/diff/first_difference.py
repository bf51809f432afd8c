"""One batch through two backends, and a few steps of their optimizers: the first tensor that differs, which of the two
is wrong, and the likely cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..bounds.derived import OPTIMIZERS
from ..cases.gpt import gpt_case
from ..cases.mlp import MLPCase, ordinary_case, overflowing_case
from ..checks.backend_under_test import Array, BackendUnderTest, NotThere, Wrong, as_array
from . import optimizers, sources
from .gpt import gpt_walk
from .likely_cause import cause_in_step, likely_cause
from .mlp import mlp_walk
from .walk import Walk

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
    a: BackendUnderTest, b: BackendUnderTest, dtype: str, seed: int, batch_size: int | None = None, gpt: bool = True
) -> Iterator[Comparison]:
    """An ordinary batch; one whose logits overflow exp; a GPT's, if `gpt`; the optimizers.

    Where one of the two has a GPT alone, the MLP is missing. The first difference ends it. Raises NotThere and Wrong.
    """
    case = ordinary_case(seed, dtype, batch_size)
    alone = next((backend.name for backend in (a, b) if _has(backend, "GPT") and not _has(backend, "MLP")), None)
    of_mlp: list[Callable[[], Comparison]] = [
        lambda: compare_batch(a, b, mlp_walk(case, dtype), dtype),
        lambda: compare_batch(a, b, mlp_walk(overflowing_case(case, dtype), dtype), dtype),
    ]
    comparisons = [
        *([lambda: Comparison("an MLP", (), None, (f"the MLP, which {alone} does not have",))] if alone else of_mlp),
        *([lambda: compare_gpt(a, b, dtype, seed, batch_size)] if gpt and (_has(a, "GPT") or _has(b, "GPT")) else []),
        *(partial(compare_optimizer, a, b, name, case, seed, dtype) for name in OPTIMIZERS),
    ]
    for compare in comparisons:
        found = compare()
        yield found
        if found.difference is not None:
            return


def compare_gpt(
    a: BackendUnderTest, b: BackendUnderTest, dtype: str, seed: int, batch_size: int | None = None
) -> Comparison:
    """A batch through the GPTs; what one of the two does not have is missing."""
    walk = gpt_walk(gpt_case(seed, dtype, batch_size), dtype)
    try:
        return compare_batch(a, b, walk, dtype)
    except NotThere as error:
        return Comparison(walk.title, (), None, (f"the GPT ({str(error).rstrip('. ')})",))


def _has(backend: BackendUnderTest, model: str) -> bool:
    """Whether there is such a class, be it a stub."""
    with suppress(NotThere, Wrong):
        return backend.find(model) is not None
    return False


def compare_batch(a: BackendUnderTest, b: BackendUnderTest, walk: Walk, dtype: str) -> Comparison:
    """Compare a's tensors with b's, allowing the sum of both bounds, and both with the oracle's."""
    ours, theirs = (_tensors(backend, walk, dtype) for backend in (a, b))
    missing = tuple(name for name in walk.values if name not in ours or name not in theirs)
    steps: dict[str, float] = {}  # by the line of what is printed
    for name, expected in walk.values.items():
        if name in missing:
            continue
        largest, difference = _compared(
            (a, b),
            name,
            (ours[name], theirs[name]),
            expected,
            walk.allowed[name],
            partial(_cause, walk, name, dtype),
            partial(_place, walk, name, dtype),
        )
        line = walk.line(name)
        steps[line] = max(largest, steps.get(line, 0.0))
        if difference is not None:
            return Comparison(walk.title, tuple(steps.items()), difference, missing)
    return Comparison(walk.title, tuple(steps.items()), None, missing)


def _cause(walk: Walk, name: str, dtype: str, actual: Array) -> str:
    return likely_cause(walk.made(name), actual, np.asarray(walk.values[name]), dtype, walk.inputs)


def _place(walk: Walk, name: str, dtype: str, backend: BackendUnderTest, is_wrong: bool) -> str:
    made, caller = walk.made(name), (walk.model, *walk.methods(name))
    if is_wrong and sources.right_by_itself(backend, made.op, made.given, dtype):
        return f"{sources.caller_of(backend, *caller)}, as {made.op} itself is right"
    return sources.source_of(backend, made.op, caller)


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


def _tensors(backend: BackendUnderTest, walk: Walk, dtype: str) -> dict[str, Array]:
    """All tensors of one pass that the backend returns."""
    try:
        arrays = {name: as_array(name, tensor, dtype) for name, tensor in walk.tensors(backend).items()}
        for name, array in arrays.items():
            if not isinstance(array, float) and array.dtype != np.dtype(dtype):
                raise Wrong(f"{name} is {array.dtype}; it must be {dtype}")
    except (NotThere, Wrong) as error:
        raise type(error)(f"{backend.name}: {error}") from error
    return {name: np.asarray(array) for name, array in arrays.items()}
