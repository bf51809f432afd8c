"""A failure explained while its backend is there to be asked: the likely mistake, and the line of source to look at."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from nnz.backend import spec

from .bounds.compare import Measurement
from .cases.mlp import ordinary_case
from .checks.backend_under_test import BackendUnderTest, NotThere, Wrong
from .diff import likely_cause as known
from .diff.first_difference import compare_backends, compare_gpt, compare_optimizer
from .diff.walk import Made
from .levels import STRICT
from .report import FAILED, NOT_THERE, Result

NO_NEWS = (known.UNKNOWN, known.NOT_FINITE)  # of a likely cause: the reason has said it
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
        return replace(result, where=where, cause="" if cause in NO_NEWS else cause)
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
        actual, expected = wrong.tensors
        cause = known.likely_cause(Made(function, wrong.name, given), actual, expected, result.dtype)
        return cause if actual.shape == expected.shape or cause == known.TRANSPOSED else ""
    if result.level in ("mlp", "training", "gpt"):
        with suppress(NotThere, Wrong):
            pair = backend, backend, result.dtype, SEED
            for compared in [compare_gpt(*pair)] if result.level == "gpt" else compare_backends(*pair, gpt=False):
                if compared.difference is not None and compared.difference.causes[0] != known.UNKNOWN:
                    return f"{compared.difference.causes[0]}, in {compared.difference.tensor}"
    return ""
