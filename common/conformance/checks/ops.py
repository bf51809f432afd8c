"""One operation at a time, on the cases of cases.ops, against the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nnz.backend import spec

from ..bounds import derived as bounds
from ..bounds.compare import Measurement
from ..cases.ops import op_cases
from ..oracle import mlp as oracle
from .backend_under_test import BackendUnderTest, Wrong, compare_all

DEFAULTS = {"batch_norm_forward": {"momentum": 0.1, "eps": 1e-5}}  # torch's defaults, where a case has no value

Measured = Iterator[list[Measurement]]
CheckFunction = Callable[[BackendUnderTest, str, np.random.Generator, int], Measured]


def op_check(name: str) -> CheckFunction:
    """The check of `nn.ops.<name>` on `rounds` draws of cases.op_cases."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
        function = backend.find(f"ops.{name}")
        for _ in range(rounds):
            for case in complete(name, op_cases(name, rng, dtype)):
                actual = call_op(backend, function, name, case)
                yield compare_all(actual, oracle.outputs(name, case), bounds.op_bounds(name, case, dtype), dtype)

    return check


def call_op(backend: BackendUnderTest, function: Callable, name: str, case: dict[str, Any]) -> dict[str, Any]:
    """The outputs by name. An array that should be updated in place may be returned instead, for immutable arrays."""
    entry = spec.FUNCTIONS[name]
    given = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in case.items()}
    arguments = [given[k] for k in entry.python_arguments]
    result = backend.call(function, *arguments, updates=len(entry.updates))
    names = tuple(entry.outputs or entry.updates)
    if result is None and entry.updates:
        return {k: given[k] for k in names}
    if len(names) == 1:
        return {names[0]: result}
    if not isinstance(result, list | tuple) or len(result) != len(names):
        raise Wrong(f"{name} must return {', '.join(names)}; it returned {_kind(result)}")
    return dict(zip(names, result, strict=True))


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


def _kind(result: Any) -> str:
    length = f" of {len(result)}" if isinstance(result, list | tuple) else ""
    return f"{type(result).__name__}{length}"
