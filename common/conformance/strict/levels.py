"""What is graded in strict float32: the levels of levels.py, every bit of which is due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..checks.backend_under_test import Subject
from ..checks.error_walks import StrictWalk
from ..checks.layers import LAYERS, layer_check
from ..levels import FORWARDS, STRICT, Check
from . import checks as strict_checks
from . import training as strict_training
from .backend_in_strict import strictly


def _check(level: str, name: str, run: Any) -> Check:
    """The check of a subject that is asked for everything in strict float32."""

    def in_strict(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Any]]:
        return run(strictly(subject), "float32", rng, rounds)

    return Check(level, name, in_strict, (STRICT,))


def _layer(name: str) -> Any:
    return layer_check(name, lambda dtype: StrictWalk(), strict_checks.layer_agreements)


STRICT_CHECKS: tuple[Check, ...] = (
    *(_check(op, "forward", strict_checks.op_check(f"{op}_forward")) for op in FORWARDS),
    *(_check(f"{op}_backward", "backward", strict_checks.op_check(f"{op}_backward")) for op in FORWARDS),
    *(_check("layers", name, _layer(name)) for name in LAYERS),
    _check("mlp", "every tensor", strict_checks.mlp),
    _check("mlp", "rows alone and together", strict_checks.rows_alone),
    _check("sgd", "one step", strict_checks.op_check("sgd_step")),
    _check("sgd", "nn.SGD", strict_checks.optimizer_object("SGD")),
    _check("adamw", "one step", strict_checks.op_check("adamw_step")),
    _check("adamw", "nn.AdamW", strict_checks.optimizer_object("AdamW")),
    *(_check("training", name, strict_training.state_after(name)) for name in strict_training.RUNS),
)
