"""One operation at a time, on the cases of cases.ops, against the oracle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnz.backend import spec

from ..bounds import derived as bounds
from ..bounds.compare import Measurement
from ..cases import wide
from ..cases.ops import op_cases
from ..oracle import ops as oracle_ops
from .backend_under_test import BackendUnderTest, NotThere, Wrong, as_array, compare_all
from .kept import Kept, check_memory_of_its_own

DEFAULTS = {"batch_norm_forward": {"momentum": 0.1, "eps": 1e-5}}  # torch's defaults, where a case has no value

CALLS = 75  # of the same a round: with 20 rounds in two dtypes 3,000 calls of each op, and 0.999^3000 is 5%
THREADS = 3  # and one, in turn: what is right on one thread may be wrong where a loop is shared out
AROUND = 5  # sizes at the edge of a block, for each round
STATISTICS = ("mean", "new_running_mean", "new_running_var")  # in evaluation these may be the given ones themselves
# In whose sums an infinity stays one: no honest form has inf - inf or 0 inf where the oracle has an infinity.
INFINITIES_STAY = ("embedding_forward", "embedding_backward", "linear_forward", "linear_backward", "sgd_step")
SIGNED = ("tanh_forward", "embedding_forward")  # whose zeros have the sign that they came with

# Of fewer numbers a norm's dx, or what a step leaves of a weight, may cancel to nothing.
FEW, OVER = 16, {"batch_norm": "B", "layer_norm": "E", "rms_norm": "E", "sgd": "n", "adamw": "n"}

Measured = Iterator[list[Measurement]]
CheckFunction = Callable[[BackendUnderTest, str, np.random.Generator, int], Measured]


def op_check(name: str) -> CheckFunction:
    """The check of `nn.ops.<name>` on `rounds` draws of cases.op_cases."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
        function, kept = backend.find(f"ops.{name}"), Kept(dtype)
        smallest: dict[str, Any] = {}
        for _ in range(rounds):
            for case in complete(name, op_cases(name, rng, dtype)):
                smallest = min(smallest or case, case, key=_count)
                actual = call_op(backend, function, name, case)
                kept.add(actual)
                limits, terms = bounds.op_bounds(name, case, dtype), bounds.terms(name, case)
                yield compare_all(actual, oracle_ops.outputs(name, case), limits, dtype, terms)
        kept.check()
        if backend.is_quick_to_call:
            yield from _again(backend, function, name, smallest, dtype, CALLS * rounds)

    return check


def _again(
    backend: BackendUnderTest, function: Callable, name: str, case: dict[str, Any], dtype: str, times: int
) -> Measured:
    """The same call many times: what is wrong in one call of a thousand is seen if there are thousands."""
    expected, limits = oracle_ops.outputs(name, case), bounds.op_bounds(name, case, dtype)
    entry = spec.FUNCTIONS[name]
    arguments = [case[k] for k in entry.python_arguments]
    for number, result, updated in backend.again(function, arguments, len(entry.updates), times):
        actual = _named(name, result, case | dict(zip(entry.python_arguments, updated, strict=False)))
        if not all(_within(actual[k], expected[k], limits[k]) for k in actual):
            found = compare_all(actual, expected, limits, dtype)
            yield [
                m if m.ok else replace(m, reason=f"{m.reason}, in one call of {number} with the same") for m in found
            ]
            return


def _count(case: dict[str, Any]) -> int:
    """How many numbers a case has."""
    return sum(np.size(value) for value in case.values())


def _within(actual: Any, expected: Any, limit: Any) -> bool:
    """The quick half of `compare`."""
    found = np.asarray(actual)
    return found.shape == np.shape(expected) and bool((np.abs(found - expected) <= limit).all())


def sizes_check(name: str) -> CheckFunction:
    """The check of `nn.ops.<name>` in any size: drawn, far beyond 16 bits, and around each block size that the backend
    says its kernels have (`block_sizes`, which it need not have). With few rounds only some of the latter two. On one
    and on three threads in turn, where it has `set_threads`."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
        function = backend.find(f"ops.{name}")
        sizes = [wide.drawn_sizes(rng, name) for _ in range(rounds)]
        far = wide.some(
            rng, rounds, wide.far_sizes(rng, name)
        )  # where even a kernel that needs much work shares it out
        for drawn_from in (wide.sizes_of_one, wide.long_pairs):
            sizes += wide.some(rng, rounds, drawn_from(rng, name))
        told = block_sizes(backend, dtype, wide.op_of(name))
        sizes += wide.some(rng, AROUND * rounds, wide.sizes_around(rng, name, told))
        for number, drawn in enumerate(far + sizes):
            backend.use_threads(threads := 1 if number % 2 and number >= len(far) else THREADS)
            case = wide.case_of(rng, name, drawn, dtype)
            limits, terms = bounds.op_bounds(name, case, dtype), bounds.terms(name, case)
            found = compare_all(
                call_op(backend, function, name, case), oracle_ops.outputs(name, case), limits, dtype, terms
            )
            if drawn.get(OVER.get(wide.op_of(name), ""), FEW) < FEW:
                found = [m.by_t1_alone() for m in found]
            shown = ", ".join(f"{axis} = {n}" for axis, n in {**drawn, "threads": threads}.items())
            yield [m if m.ok else replace(m, reason=f"{m.reason}, with {shown}") for m in found]
        backend.use_threads(1)

    return check


def values_check(name: str) -> CheckFunction:
    """The check of `nn.ops.<name>` on numbers of all magnitudes, on settings of 0, and on NaNs and infinities, which
    become what IEEE 754 makes of them."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
        function = backend.find(f"ops.{name}")
        for _ in range(rounds):
            for draw in (wide.extreme_case, wide.special_case):
                case = draw(rng, name, dtype)
                limits = bounds.op_bounds(name, wide.without_specials(case), dtype)
                expected = oracle_ops.outputs(name, case)
                actual = call_op(backend, function, name, case)
                stay = name in INFINITIES_STAY
                yield compare_all(actual, expected, limits, dtype, any_value=True, infinities_stay=stay)
                if name in SIGNED:
                    _check_signs(actual, expected, dtype)

    return check


def layouts_check(name: str) -> CheckFunction:
    """The check of `nn.ops.<name>` on arrays of every order and stride; what it updates in place stays contiguous."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
        function, entry = backend.find(f"ops.{name}"), spec.FUNCTIONS[name]
        for layout in (*wide.LAYOUTS, "with a stride of 0"):
            ordinary = wide.case_of(rng, name, wide.small_sizes(rng, name), dtype)
            moved = [k for k in entry.inputs if isinstance(ordinary[k], np.ndarray)]
            case = wide.repeated(ordinary, moved) if layout not in wide.LAYOUTS else ordinary
            given = {
                k: wide.in_layout(layout, case[k]) if k in moved and layout in wide.LAYOUTS else v
                for k, v in case.items()
            }
            expected, limits = oracle_ops.outputs(name, case), bounds.op_bounds(name, case, dtype)
            found = compare_all(call_op(backend, function, name, given, moved), expected, limits, dtype, any_value=True)
            yield [m if m.ok else replace(m, reason=f"{m.reason}, with arrays {layout}") for m in found]

    return check


def block_sizes(backend: BackendUnderTest, dtype: str, op: str) -> tuple[int, ...]:
    """The sizes at which the backend says that its kernels of the op go another way; none if it does not say."""
    try:
        return tuple(backend.call(backend.find("block_sizes"), dtype).get(op, ()))
    except NotThere:
        return ()


def call_op(
    backend: BackendUnderTest, function: Callable, name: str, case: dict[str, Any], as_they_are: Collection[str] = ()
) -> dict[str, Any]:
    """The outputs by name. An array that should be updated in place may be returned instead, for immutable arrays.

    Arrays are copied, but for those named in `as_they_are`.
    """
    entry = spec.FUNCTIONS[name]
    given = {k: v.copy() if isinstance(v, np.ndarray) and k not in as_they_are else v for k, v in case.items()}
    arguments = [given[k] for k in entry.python_arguments]
    results = _named(name, backend.call(function, *arguments, updates=len(entry.updates)), given)
    read = [given[k] for k in entry.inputs if isinstance(given[k], np.ndarray)]
    check_memory_of_its_own({k: v for k, v in results.items() if k not in STATISTICS}, read)
    return results


def _named(name: str, result: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What an op returned, or the arrays that it updated, by name. Raises Wrong if these are not its outputs."""
    entry = spec.FUNCTIONS[name]
    names = tuple(entry.outputs or entry.updates)
    if result is None and entry.updates:
        return {k: given[k] for k in names}
    if len(names) == 1:
        result = [result]
    elif not isinstance(result, list | tuple) or len(result) != len(names):
        raise Wrong(f"{name} must return {', '.join(names)}; it returned {_kind(result)}")
    results = dict(zip(names, result, strict=True))
    for output in entry.outputs:  # without a weight there is no gradient of it
        if results[output] is None and given.get(output.removeprefix("d"), 0) is None:
            del results[output]
    return results


def complete(name: str, cases: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The cases that fit the spec, which may ask for two axes where the oracle takes any number, with all settings."""
    shapes = spec.FUNCTIONS[name].inputs
    for drawn in cases:
        case = {**DEFAULTS.get(name, {}), **drawn}
        if all(
            "..." in shape or case[k] is None or np.ndim(case[k]) == len(shape.strip("()").rstrip(",").split(","))
            for k, shape in shapes.items()
            if shape
        ):
            yield case


def _check_signs(actual: dict[str, Any], expected: dict[str, Any], dtype: str) -> None:
    """Raises Wrong if a zero has another sign than the oracle's."""
    for name, oracles in expected.items():
        found = np.asarray(as_array(name, actual[name], dtype))
        wrong = (oracles == 0) & (found == 0) & (np.signbit(oracles) != np.signbit(found))
        if wrong.any():
            here = np.unravel_index(np.argmax(wrong), wrong.shape)
            raise Wrong(f"{name}[{', '.join(map(str, here))}] is {found[here]}, the oracle's {oracles[here]}")


def _kind(result: Any) -> str:
    length = f" of {len(result)}" if isinstance(result, list | tuple) else ""
    return f"{type(result).__name__}{length}"
