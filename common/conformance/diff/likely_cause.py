"""The usual mistakes, each tried out: what would the tensor be, had this one been made?

It is a hint: the tensors before this one are right, so one mistake in one op explains it, and these are the known ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..bounds.compare import T2_LIMIT, VacuousComparison, t2_error

if TYPE_CHECKING:
    from ..checks.backend_under_test import Array
    from .first_difference import Case

# A mistake is recognised where its tensor is met as nearly as a right one would be, with some room for both roundings.
NEAR = 8 * T2_LIMIT
UNKNOWN = "none of the usual ones"
ROUNDING = "rounding: a lower precision somewhere"
COARSEST = 2.0**-8  # of the largest entry: what the rounding of a bfloat16 costs, twice

Mistakes = Iterator[tuple[str, "Array"]]


def likely_cause(name: str, actual: Array, values: dict[str, Array], case: Case, dtype: str) -> str:
    """The first usual mistake whose tensor is the actual one; UNKNOWN if none is. `values` are the oracle's tensors."""
    expected = np.asarray(values[name])
    if actual.shape != expected.shape:
        turned = actual.shape == expected.T.shape and _near(actual.T, expected, dtype)
        return "a transposed result" if turned else f"shape {actual.shape} where {expected.shape} is due"
    if not np.isfinite(actual).all():
        large = np.abs(values["logits"]).max() > np.log(np.finfo(dtype).max)
        return "the maximum is not taken off before exp" if large else "a value that is not finite"
    if not actual.any():
        return "the bias gradient is absent: all zeros" if name.endswith("bias") else "all zeros: never computed"
    if _near(actual, expected, dtype):
        return ROUNDING
    for cause, tensor in (*_of_any(expected, len(case.inputs)), *_of_this(name, values, case)):
        if _near(actual, tensor, dtype):
            return cause
    if actual.ndim > 1 and not actual[-1].any() and _near(actual[:-1], expected[:-1], dtype):
        return "the last row is ignored"
    return _factor(actual, expected, dtype)


def _of_any(expected: Array, B: int) -> Mistakes:
    """What can befall any tensor."""
    yield "the sign is flipped", -expected
    if B > 1:
        yield f"the mean over the batch is missing: {B} times too large", expected * B
        yield f"divided by B = {B} once too often", expected / B
        yield f"divided by B - 1 = {B - 1} for B", expected * B / (B - 1)


def _of_this(name: str, values: dict[str, Array], case: Case) -> Mistakes:
    """What can befall this one, given what comes before it."""
    w, v, ids = case.weights, values, case.inputs
    flat = v["emb"].reshape(len(ids), -1)
    if name in ("h_pre", "logits"):
        x, layer = (flat, "fc1") if name == "h_pre" else (v["h"], "fc2")
        yield from _of_linear(x, w[f"{layer}.weight"], w[f"{layer}.bias"])
    if name in ("dh", "demb"):
        dy, layer = (v["dlogits"], "fc2") if name == "dh" else (v["dh_pre"], "fc1")
        M, N = w[f"{layer}.weight"].shape
        yield "a transposed weight", (dy @ w[f"{layer}.weight"].reshape(N, M).T).reshape(v[name].shape)
    if name.startswith("dfc"):
        dy, x = (v["dlogits"], v["h"]) if name.startswith("dfc2") else (v["dh_pre"], flat)
        yield from _of_weight_gradient(dy, x, name.endswith("bias"))
    yield from _OF_OTHERS.get(name, _nothing)(v, case)


def _of_linear(x: Array, w: Array, b: Array) -> Mistakes:
    M, N = w.shape
    yield "a transposed weight", x @ w.reshape(N, M) + b
    yield "the bias is left out", x @ w.T


def _of_weight_gradient(dy: Array, x: Array, bias: bool) -> Mistakes:
    """The gradient of a weight or of a bias, summed over the batch."""
    full, ones = (dy.sum(axis=0), dy[-1]) if bias else (dy.T @ x, np.outer(dy[-1], x[-1]))
    yield "the last row is ignored", full - ones
    yield "accumulation lost: only the last row counts", ones
    if not bias:
        yield "a transposed result", (x.T @ dy).reshape(full.shape)


def _nothing(v: dict[str, Array], case: Case) -> Mistakes:
    yield from ()


def _of_h(v: dict[str, Array], case: Case) -> Mistakes:
    yield "tanh is skipped", v["h_pre"]


def _of_dlogits(v: dict[str, Array], case: Case) -> Mistakes:
    yield "the one-hot of the targets is not taken off", v["probs"] / len(case.inputs)


def _of_dh_pre(v: dict[str, Array], case: Case) -> Mistakes:
    yield "tanh' is skipped", v["dh"]
    yield "tanh' is 1 - y for 1 - y^2", v["dh"] * (1 - v["h"])
    yield "tanh' is taken of h_pre for h", v["dh"] * (1 - v["h_pre"] ** 2)


def _of_dwte(v: dict[str, Array], case: Case) -> Mistakes:
    overwritten = np.zeros_like(v["dwte"])
    overwritten[case.inputs] = v["demb"]
    yield "accumulation lost: a token met twice keeps its last gradient alone", overwritten
    rows = np.zeros_like(v["dwte"])
    np.add.at(rows, case.inputs[:-1], v["demb"][:-1])
    yield "the last row is ignored", rows


_OF_OTHERS: dict[str, Callable[[dict, Case], Mistakes]] = {
    "h": _of_h,
    "dlogits": _of_dlogits,
    "dh_pre": _of_dh_pre,
    "dwte": _of_dwte,
}


def _factor(actual: Array, expected: Array, dtype: str) -> str:
    factor = float(np.vdot(actual, expected) / np.vdot(expected, expected))
    if (text := f"{factor:.6g}") != "1" and _near(actual, factor * expected, dtype):
        return f"a factor of {text}"
    return ROUNDING if np.abs(actual - expected).max() <= COARSEST * np.abs(expected).max() else UNKNOWN


def _near(actual: Array, mistaken: Array, dtype: str) -> bool:
    try:
        return t2_error(actual, mistaken, dtype) <= NEAR
    except VacuousComparison:
        return False
