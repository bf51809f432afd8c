"""A failure explained while its backend is there to be asked: the likely mistake, and the line of source to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from nnz.backend import spec

from .bounds.compare import Measurement
from .cases.mlp import ordinary_case
from .checks.backend_under_test import BackendUnderTest, NotThere, Wrong
from .diff import likely_cause as known
from .diff.first_difference import compare_backends, compare_optimizer
from .levels import STRICT
from .report import FAILED, NOT_THERE, Result

Array = np.ndarray
LOG_SUM_EXP = (
    "the log of a probability that is rounded to 0: use log-sum-exp, "
    "loss = max + log(sum(exp(logits - max))) - logits[target]"
)
NO_MAXIMUM = "the maximum is not subtracted before exp: use log-sum-exp, max + log(sum(exp(logits - max)))"
OPTIMIZERS = {"nn.SGD": "SGD", "nn.AdamW": "AdamW", "a hundred steps": "AdamW"}
STEPPED_BY = {"sgd": "SGD", "adamw": "AdamW"}
SEED = 1


def explained(backend: BackendUnderTest, result: Result) -> Result:
    """The result with its likely cause and its place, if it has something to mend."""
    if result.outcome in (NOT_THERE, FAILED):
        function = _function(result)
        name = function.removeprefix("ops.")
        where = result.where or (backend.place(function) if function else "") or (name and f"{name} (source not found)")
        wrong = [m for m in result.measurements if not m.ok]
        cause = ""
        with suppress(Exception):  # numbers may be anything, and a hint must not end a grade
            cause = _cause(backend, result, wrong[0]) if wrong and result.dtype != STRICT else ""
        return replace(result, where=where, cause="" if cause == known.UNKNOWN else cause)
    return result


def _function(result: Result) -> str:
    """What of the backend computes this, as a path from its module; of an op the function."""
    op = op_function(result.level)
    if result.check in OPTIMIZERS:
        return OPTIMIZERS[result.check]
    if op:
        return f"ops.{op}"
    tensor = next((m.name for m in result.measurements if not m.ok), "")
    if result.level == "layers":
        return tensor.partition(":")[0] if ":" in tensor else result.check if result.check[0].isupper() else ""
    back = tensor.rpartition(": ")[2].startswith("d") or "backward" in result.reason
    model = "GPT" if result.level == "gpt" else "MLP"
    return f"{model}.backward" if back else f"{model}.__call__"


def op_function(level: str) -> str:
    """The function of nn.ops that a level is about; empty if it is about more."""
    return next((f for f in (f"{level}_forward", level, f"{level}_step") if f in spec.FUNCTIONS), "")


def _cause(backend: BackendUnderTest, result: Result, wrong: Measurement) -> str:
    """The likely mistake; empty if none of the usual ones."""
    function = op_function(result.level)
    if result.level in STEPPED_BY:
        with suppress(NotThere, Wrong):
            case = ordinary_case(SEED, result.dtype)
            found = compare_optimizer(backend, backend, STEPPED_BY[result.level], case, SEED, result.dtype).difference
            return found.causes[0] if found is not None else ""
        return ""
    if function and backend.last[0] and wrong.tensors:
        given = dict(zip(spec.FUNCTIONS[function].python_arguments, backend.last[1], strict=False))
        with np.errstate(all="ignore"):
            return cause_in_op(function, wrong, given, result.dtype)
    if result.level in ("mlp", "training"):
        with suppress(NotThere, Wrong):
            for compared in compare_backends(backend, backend, result.dtype, SEED):
                if compared.difference is not None and compared.difference.causes[0] != known.UNKNOWN:
                    return f"{compared.difference.causes[0]}, in {compared.difference.tensor}"
    return ""


def cause_in_op(function: str, wrong: Measurement, given: dict[str, Any], dtype: str) -> str:
    """The mistake in one call of an op that explains its wrong output."""
    actual, expected = wrong.tensors
    if actual.shape != expected.shape:
        turned = actual.shape == expected.T.shape and np.allclose(actual.T, expected, rtol=1e-3)
        return "a transposed result" if turned else ""
    if function == "cross_entropy_forward" and not np.isfinite(wrong.actual):
        return NO_MAXIMUM if _overflows(given, dtype) else LOG_SUM_EXP
    if not np.isfinite(actual).all():
        return ""
    if not actual.any():
        return "all zeros: never computed"
    B = len(next(np.asarray(v) for v in given.values() if np.ndim(v)))
    for cause, tensor in (*_mistakes(function, wrong.name, given), *known._of_any(expected, B)):
        if np.shape(tensor) == actual.shape and known._near(actual, tensor, dtype):
            return cause
    return known._factor(actual, expected, dtype)


def _overflows(given: dict[str, Any], dtype: str) -> bool:
    """Whether exp of a logit overflows, or of all logits of a row is 0."""
    largest = np.abs(np.asarray(given["logits"], np.float64)).max()
    return bool(np.isnan(largest) or largest > np.log(np.finfo(dtype).max)) and not _softmax_loses_target(given, dtype)


def _softmax_loses_target(given: dict[str, Any], dtype: str) -> bool:
    """Whether the probability of a target is rounded to 0."""
    logits = np.asarray(given["logits"], np.float64)
    chosen = logits[np.arange(len(logits)), np.asarray(given["targets"])]
    return bool((chosen - logits.max(axis=1) < np.log(np.finfo(dtype).smallest_subnormal)).any())


def _mistakes(function: str, output: str, given: dict[str, Any]) -> Iterator[tuple[str, Array]]:
    """The usual mistakes in one op, each with what the output would then be."""
    g = {k: np.asarray(v, np.float64) if np.asarray(v).dtype.kind == "f" else v for k, v in given.items()}
    if function == "linear_forward":
        bias = 0.0 if g["b"] is None else g["b"]
        yield from known._of_linear(g["x"], g["w"], bias)
    elif function == "linear_backward" and output == "dx":
        M, N = g["w"].shape
        yield "a transposed weight", g["dy"] @ g["w"].reshape(N, M).T
    elif function == "linear_backward":
        dy, x = (g[k].reshape(-1, g[k].shape[-1]) for k in ("dy", "x"))
        yield from known._of_weight_gradient(dy, x, output == "db")
    elif function == "tanh_forward":
        yield "tanh is skipped", g["x"]
    elif function == "tanh_backward":
        yield "tanh' is skipped", g["dy"]
        yield "tanh' is 1 - y instead of 1 - y^2", g["dy"] * (1 - g["y"])
    elif function == "cross_entropy_backward":
        yield "the one-hot of the targets is not subtracted", g["probs"] / len(g["probs"])
        yield "the one-hot of the targets is not subtracted, nor is it a mean", g["probs"]
    elif function == "embedding_backward":
        overwritten, rows = np.zeros((g["V"], g["demb"].shape[-1])), np.zeros((g["V"], g["demb"].shape[-1]))
        overwritten[g["ids"]] = g["demb"]
        yield "accumulation lost: a token that occurs twice keeps only its last gradient", overwritten
        np.add.at(rows, g["ids"][:-1], g["demb"][:-1])
        yield "the last row is ignored", rows
    elif function == "batch_norm_forward":
        yield from _of_batch_norm(output, g)


def _of_batch_norm(output: str, g: dict[str, Any]) -> Iterator[tuple[str, Array]]:
    x = g["x"].reshape(-1, g["x"].shape[-1])
    mean, n, momentum = x.mean(axis=0), len(x), g.get("momentum", 0.1)
    unbiased = x.var(axis=0, ddof=1) if n > 1 else x.var(axis=0)
    if output == "y":
        normal = (g["x"] - mean) / np.sqrt(unbiased + g.get("eps", 1e-5))
        yield "the variance is divided by n - 1 instead of n", g["weight"] * normal + g["bias"]
        normal = (g["x"] - mean) / (np.sqrt(x.var(axis=0)) + g.get("eps", 1e-5))
        yield "eps is added outside the root", g["weight"] * normal + g["bias"]
    elif output == "new_running_var":
        old = g["running_var"]
        yield "it takes the variance with n; it must have n - 1", (1 - momentum) * old + momentum * x.var(axis=0)
        yield "momentum is taken for 1 - momentum", momentum * old + (1 - momentum) * unbiased
    elif output == "new_running_mean":
        yield "momentum is taken for 1 - momentum", momentum * g["running_mean"] + (1 - momentum) * mean
