"""The usual mistakes, tried one after the other: what would the tensor be if this one had been made?

The answer is a hint. The tensors before this one are right, so one mistake in one operation explains it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bounds.compare import T2_LIMIT, VacuousComparison, t2_error
from . import optimizers
from .mistakes import Mistakes, mistakes
from .walk import Made

Array = np.ndarray

# A mistake is recognised if its tensor is near the actual one, with room for the rounding of both.
NEAR = 8 * T2_LIMIT
UNKNOWN = "unknown: none of the usual mistakes"
TRANSPOSED = "a transposed result"
NOT_FINITE = "a value that is not finite"
ROUNDING = "rounding: a lower precision somewhere"
COARSEST = 2.0**-8  # of the largest entry: twice the rounding error of a bfloat16
LOG_SUM_EXP = (
    "the log of a probability that is rounded to 0: use log-sum-exp, "
    "loss = max + log(sum(exp(logits - max))) - logits[target]"
)
NO_MAXIMUM = "the maximum is not subtracted before exp: use log-sum-exp, max + log(sum(exp(logits - max)))"


def likely_cause(made: Made, actual: Array, expected: Array, dtype: str, inputs: Array | None = None) -> str:
    """The first usual mistake whose tensor is the actual one, which should be `expected`; UNKNOWN if none is."""
    if actual.shape != expected.shape:
        turned = actual.shape == expected.T.shape and _near(actual.T, expected, dtype)
        return TRANSPOSED if turned else f"the shape is {actual.shape}; it must be {expected.shape}"
    if not np.isfinite(actual).all():
        return _not_finite(made, dtype)
    if not actual.any():
        of_bias = made.output in ("db", "dbias")
        return "the bias gradient is missing: all zeros" if of_bias else "all zeros: never computed"
    if _near(actual, expected, dtype):
        return ROUNDING
    with np.errstate(all="ignore"):
        for cause, tensor in (*_of_this(made, expected, inputs), *_of_any(made.given, expected)):
            if np.size(tensor) == actual.size and _near(actual, np.reshape(tensor, actual.shape), dtype):
                return cause
    if actual.ndim > 1 and not actual[-1].any() and _near(actual[:-1], expected[:-1], dtype):
        return "the last row is ignored"
    return _factor(actual, expected, dtype)


def _of_this(made: Made, expected: Array, inputs: Array | None) -> Mistakes:
    for cause, output in mistakes(made.op, made.output, made.given, inputs):
        if made.added is None or np.size(output) == expected.size:
            yield cause, output if made.added is None else np.reshape(output, expected.shape) + made.added
    if made.added is not None:
        yield "what goes past the operation is not added to its result", expected - made.added
        yield "the result of the operation is not added to what goes past it", made.added
        yield "what goes past the operation is added twice", expected + made.added


def _of_any(given: dict[str, Any], expected: Array) -> Mistakes:
    """Mistakes that can happen in any tensor."""
    yield "the sign is flipped", -expected
    B = len(next(np.asarray(v) for v in given.values() if np.ndim(v)))
    if B > 1:
        yield f"the mean over the batch is missing: {B} times too large", expected * B
        yield f"divided by B = {B} twice", expected / B
        yield f"divided by B - 1 = {B - 1} instead of B", expected * B / (B - 1)


def _not_finite(made: Made, dtype: str) -> str:
    if made.op != "cross_entropy_forward":
        return NOT_FINITE
    logits = np.asarray(made.given["logits"], np.float64)
    largest = np.abs(logits).max()
    overflows = bool(np.isnan(largest) or largest > np.log(np.finfo(dtype).max))
    if made.output == "probs":
        return NO_MAXIMUM if overflows else NOT_FINITE
    chosen = logits[np.arange(len(logits)), np.asarray(made.given["targets"])]
    rounded_to_0 = (chosen - logits.max(axis=1) < np.log(np.finfo(dtype).smallest_subnormal)).any()
    return NO_MAXIMUM if overflows and not rounded_to_0 else LOG_SUM_EXP


def cause_in_step(name: str, actual: Array, start: Array, grads: list[Array], step: int, dtype: str) -> str:
    """The first usual mistake of an optimizer that makes `start` into the actual parameter by this step, from 0."""
    if actual.shape != start.shape:
        return f"the shape is {actual.shape}; it must be {start.shape}"
    if not np.isfinite(actual).all():
        return "a value that is not finite"
    if np.array_equal(actual, start):
        return "the parameter is not updated"
    for cause, steps in optimizers.mistaken_steps(name, start, grads):
        if _near(actual, steps[step], dtype):
            return cause
    return UNKNOWN


def _factor(actual: Array, expected: Array, dtype: str) -> str:
    """A factor explains many numbers, or one if it is a short number; any two numbers have some factor."""
    factor = float(np.vdot(actual, expected) / np.vdot(expected, expected))
    if actual.size == 1:
        factor = float(f"{factor:.2g}")
    if (text := f"{factor:.6g}") != "1" and _near(actual, factor * expected, dtype):
        return f"a factor of {text}"
    return ROUNDING if np.abs(actual - expected).max() <= COARSEST * np.abs(expected).max() else UNKNOWN


def _near(actual: Array, mistaken: Array, dtype: str) -> bool:
    try:
        return t2_error(actual, mistaken, dtype) <= NEAR
    except VacuousComparison:
        return False
