"""One op at a time, on cases that a wrong one cannot survive, against the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnz.backend import spec

from ..bounds import derived as bounds
from ..bounds.compare import Measurement
from ..cases.mlp import op_cases
from ..oracle import mlp as oracle
from ..oracle import optimizers as oracle_optimizers
from .backend_under_test import Subject, Wrong
from .measuring import measured

UNLESS_DRAWN = {"batch_norm_forward": {"momentum": 0.1, "eps": 1e-5}}  # torch's defaults, which the cases leave to it

Check = Callable[[Subject, str, np.random.Generator, int], Iterator[list[Measurement]]]


def op_check(name: str) -> Check:
    """The check of `nn.ops.<name>` on `rounds` draws of cases.op_cases."""

    def check(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Measurement]]:
        function = subject.find(f"ops.{name}")
        for _ in range(rounds):
            for drawn in op_cases(name, rng, dtype):
                case = {**UNLESS_DRAWN.get(name, {}), **drawn}
                if fits(name, case):
                    expected = dict(zip(bounds.OUTPUTS[name], expected_outputs(name, case), strict=True))
                    actual = call_op(subject, function, name, case)
                    yield measured(actual, expected, bounds.op_bounds(name, case, dtype), dtype)

    return check


def call_op(subject: Subject, function: Callable, name: str, case: dict[str, Any]) -> dict[str, Any]:
    """The outputs by name. What is updated in place may be returned instead, for arrays that cannot be written to."""
    entry = spec.FUNCTIONS[name]
    given = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in case.items()}
    arguments = [given[k] for k in entry.python_arguments]
    result = subject.call(function, *arguments, updates=len(entry.updates))
    names = tuple(entry.outputs or entry.updates)
    if result is None and entry.updates:
        return {k: given[k] for k in names}
    if len(names) == 1:
        return {names[0]: result}
    if not isinstance(result, list | tuple) or len(result) != len(names):
        raise Wrong(f"{name} must return {', '.join(names)}; it returned {_kind(result)}")
    return dict(zip(names, result, strict=True))


def expected_outputs(name: str, case: dict[str, Any]) -> tuple[Any, ...]:
    """What the oracle gives, always as a tuple."""
    result = (getattr(oracle, name, None) or getattr(oracle_optimizers, name))(**case)
    return result if isinstance(result, tuple) else (result,)


def fits(name: str, case: dict[str, Any]) -> bool:
    """The spec may ask for two axes where the oracle takes any number."""
    shapes = spec.FUNCTIONS[name].inputs
    return all(
        "..." in shape or case[k] is None or np.ndim(case[k]) == len(shape.strip("()").rstrip(",").split(","))
        for k, shape in shapes.items()
        if shape
    )


def _kind(result: Any) -> str:
    length = f" of {len(result)}" if isinstance(result, list | tuple) else ""
    return f"{type(result).__name__}{length}"
