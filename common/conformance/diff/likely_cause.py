"""The usual mistakes, tried one after the other: what would the tensor be if this one had been made?

The answer is a hint. The tensors before this one are right, so one mistake in one operation explains it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..bounds.compare import T2_LIMIT, VacuousComparison, t2_error
from ..cases.mlp import MLPCase
from ..oracle import mlp as oracle
from . import optimizers

Array = np.ndarray

# A mistake is recognised if its tensor is near the actual one, with room for the rounding of both.
NEAR = 8 * T2_LIMIT
UNKNOWN = "unknown: none of the usual mistakes"
ROUNDING = "rounding: a lower precision somewhere"
COARSEST = 2.0**-8  # of the largest entry: twice the rounding error of a bfloat16

Mistakes = Iterator[tuple[str, Array]]


def likely_cause(name: str, actual: Array, values: dict[str, Array], case: MLPCase, dtype: str) -> str:
    """The first usual mistake whose tensor is the actual one; UNKNOWN if none is. `values` are the oracle's tensors."""
    expected = np.asarray(values[name])
    if actual.shape != expected.shape:
        turned = actual.shape == expected.T.shape and _near(actual.T, expected, dtype)
        return "a transposed result" if turned else f"the shape is {actual.shape}; it must be {expected.shape}"
    if not np.isfinite(actual).all():
        large = np.abs(values["logits"]).max() > np.log(np.finfo(dtype).max)
        return "the maximum is not subtracted before exp" if large else "a value that is not finite"
    if not actual.any():
        return "the bias gradient is missing: all zeros" if name.endswith("bias") else "all zeros: never computed"
    if _near(actual, expected, dtype):
        return ROUNDING
    for cause, tensor in (
        *_of_wrong_targets(name, values, case),
        *_of_any(expected, len(case.inputs)),
        *_of_this(name, values, case),
    ):
        if _near(actual, tensor, dtype):
            return cause
    if actual.ndim > 1 and not actual[-1].any() and _near(actual[:-1], expected[:-1], dtype):
        return "the last row is ignored"
    return _factor(actual, expected, dtype)


def _of_any(expected: Array, B: int) -> Mistakes:
    """Mistakes that can happen in any tensor."""
    yield "the sign is flipped", -expected
    if B > 1:
        yield f"the mean over the batch is missing: {B} times too large", expected * B
        yield f"divided by B = {B} twice", expected / B
        yield f"divided by B - 1 = {B - 1} instead of B", expected * B / (B - 1)


def _of_this(name: str, v: dict[str, Array], case: MLPCase) -> Mistakes:
    """Mistakes that can happen in this tensor, given the oracle's tensors `v`."""
    w, ids = case.weights, case.inputs
    flat = v["emb"].reshape(len(ids), -1)
    if name in ("h_pre", "logits"):
        x, layer = (flat, "fc1") if name == "h_pre" else (v["h"], "fc2")
        yield from _of_linear(x, w[f"{layer}.weight"], w[f"{layer}.bias"])
    elif name in ("dh", "demb"):
        dy, layer = (v["dlogits"], "fc2") if name == "dh" else (v["dh_pre"], "fc1")
        M, N = w[f"{layer}.weight"].shape
        yield "a transposed weight", (dy @ w[f"{layer}.weight"].reshape(N, M).T).reshape(v[name].shape)
    elif name.startswith("dfc"):
        dy, x = (v["dlogits"], v["h"]) if name.startswith("dfc2") else (v["dh_pre"], flat)
        yield from _of_weight_gradient(dy, x, name.endswith("bias"))
    elif name == "loss":
        yield "in bits, not in nats", v["loss"] / np.log(2)
        yield "the sign is flipped", -v["loss"]
    elif name == "h":
        yield "tanh is skipped", v["h_pre"]
    elif name == "dlogits":
        yield "the one-hot of the targets is not subtracted", v["probs"] / len(ids)
    elif name == "dh_pre":
        yield "tanh' is skipped", v["dh"]
        yield "tanh' is 1 - y instead of 1 - y^2", v["dh"] * (1 - v["h"])
        yield "tanh' is computed from h_pre instead of h", v["dh"] * (1 - v["h_pre"] ** 2)
    elif name == "dwte":
        overwritten, rows = np.zeros_like(v["dwte"]), np.zeros_like(v["dwte"])
        overwritten[ids] = v["demb"]
        yield "accumulation lost: a token that occurs twice keeps only its last gradient", overwritten
        np.add.at(rows, ids[:-1], v["demb"][:-1])
        yield "the last row is ignored", rows


def _of_wrong_targets(name: str, v: dict[str, Array], case: MLPCase) -> Mistakes:
    """The loss or its gradient, if other targets were taken than the ones given."""
    if name not in ("loss", "dlogits"):
        return
    B, V = len(case.targets), case.sizes["V"]
    others = {
        "the targets are shifted: each row has that of the row before it": np.roll(case.targets, 1),
        "the targets are shifted: each row has that of the row after it": np.roll(case.targets, -1),
        "the targets are the last token of each input": case.inputs[:, -1],
        "the targets are the first token of each input": case.inputs[:, 0],
        "the targets are one too small": (case.targets - 1) % V,
        "the targets are one too large": (case.targets + 1) % V,
        "the targets are in the reverse order": case.targets[::-1],
    }
    for cause, targets in others.items():
        if name == "loss":
            yield cause, np.array(oracle.cross_entropy_forward(v["logits"], targets)[0])
        else:
            yield cause, (v["probs"] - np.eye(V)[targets]) / B


def _of_linear(x: Array, w: Array, b: Array) -> Mistakes:
    M, N = w.shape
    yield "a transposed weight", x @ w.reshape(N, M) + b
    yield "the bias is not added", x @ w.T


def _of_weight_gradient(dy: Array, x: Array, bias: bool) -> Mistakes:
    """The gradient of a weight or of a bias, summed over the batch."""
    full, ones = (dy.sum(axis=0), dy[-1]) if bias else (dy.T @ x, np.outer(dy[-1], x[-1]))
    yield "the last row is ignored", full - ones
    yield "accumulation lost: only the last row counts", ones
    if not bias:
        yield "a transposed result", (x.T @ dy).reshape(full.shape)


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
