"""Clipping by the global norm: gradients that are too long together are shortened together."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, sqrt
from typing import Any

from ..numbers import precisions
from . import checks

EPS = 1e-6  # torch's


def clip_grad_norm(
    by_precision: Mapping[str, Any], grads: Mapping[str, Any], max_norm: float, precision: str = precisions.NATIVE
) -> float:
    """grads = grads min(1, max_norm / (norm + 1e-6)), in place; return their norm before, that of all together.

    The norm and the factor are computed in float64, as torch.nn.utils.clip_grad_norm_ does but for its sums
    (Pascanu et al. 2013). Where the norm is not finite nothing is clipped. Raises TypeError or ValueError unless
    max_norm is a finite number from 0, and what `precisions.checked` raises.
    """
    max_norm = checks.non_negative("max_norm", max_norm)
    dtypes = {str(g.dtype).removeprefix("torch.") for g in grads.values()}
    ops = by_precision[precisions.checked(precision, max(dtypes, default="float32"))]
    total = 0.0
    for g in grads.values():  # and not sum(), which rounds otherwise from Python 3.12 on: build/mlp adds like this
        total += float(ops.square_sum(g))
    norm = sqrt(total)
    scale = min(1.0, max_norm / (norm + EPS))
    if isfinite(norm) and scale < 1:
        for g in grads.values():
            ops.clip_step(g, scale)
    return norm
