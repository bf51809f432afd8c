"""The walk through an MLP."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from ..bounds.compare import T2_LIMIT
from ..bounds.derived import mlp_bounds
from ..bounds.rounding import unit_roundoff
from ..cases.mlp import MLPCase
from ..checks.backend_under_test import Array, BackendUnderTest, NotThere
from ..checks.model_under_test import Model
from ..oracle import mlp as oracle
from .walk import Made, Walk

# tensor, in order of computation -> the operation that computes it, and which of its outputs it is
COMPUTED_BY: dict[str, tuple[str, str]] = {
    "emb": ("embedding_forward", "emb"),
    "h_pre": ("linear_forward", "y"),
    "h": ("tanh_forward", "y"),
    "logits": ("linear_forward", "y"),
    "probs": ("cross_entropy_forward", "probs"),
    "loss": ("cross_entropy_forward", "loss"),
    "dlogits": ("cross_entropy_backward", "dlogits"),
    "dfc2.weight": ("linear_backward", "dw"),
    "dfc2.bias": ("linear_backward", "db"),
    "dh": ("linear_backward", "dx"),
    "dh_pre": ("tanh_backward", "dx"),
    "dfc1.weight": ("linear_backward", "dw"),
    "dfc1.bias": ("linear_backward", "db"),
    "demb": ("linear_backward", "dx"),
    "dwte": ("embedding_backward", "dwte"),
}


def mlp_walk(case: MLPCase, dtype: str) -> Walk:
    """A batch is allowed its derived bounds, and no more than T2."""
    values = oracle.mlp({name: p.astype(np.float64) for name, p in case.weights.items()}, case.inputs, case.targets)
    limits = mlp_bounds(case.weights, case.inputs, case.targets, dtype)
    most = {name: T2_LIMIT * unit_roundoff(dtype) * np.abs(value).max() for name, value in values.items()}
    return Walk(
        title=f"{case.title} ({', '.join(f'{name} {size}' for name, size in case.sizes.items())})",
        model="MLP",
        inputs=case.inputs,
        values=values,
        allowed={name: np.minimum(limits[name], most[name]) for name in values},
        tensors=partial(_tensors, case=case, dtype=dtype),
        made=partial(_made, case=case, v=values),
        methods=methods,
    )


def methods(tensor: str) -> tuple[str, ...]:
    """The names that the method of the class which computes a tensor may have."""
    return ("_backward", "backward") if tensor.startswith("d") else ("_forward", "forward", "__call__")


def _tensors(backend: BackendUnderTest, case: MLPCase, dtype: str) -> dict[str, Any]:
    """Logits, loss, gradients and, if it has them, intermediates."""
    model = Model(backend, case.sizes, dtype, case.weights)
    found = model.step(case.inputs, case.targets)
    with suppress(NotThere):
        found = {**model.intermediates(), **found}
    return found


def _made(tensor: str, case: MLPCase, v: dict[str, Array]) -> Made:
    op, output = COMPUTED_BY[tensor]
    w, flat = case.weights, v["emb"].reshape(len(case.inputs), -1)
    layer, x, dy = (
        ("fc2", v["h"], v["dlogits"]) if tensor in ("logits", "dh") or "fc2" in tensor else ("fc1", flat, v["dh_pre"])
    )
    given = {
        "embedding_forward": {"wte": w["wte"], "ids": case.inputs},
        "linear_forward": {"x": x, "w": w[f"{layer}.weight"], "b": w[f"{layer}.bias"]},
        "tanh_forward": {"x": v["h_pre"]},
        "cross_entropy_forward": {"logits": v["logits"], "targets": case.targets},
        "cross_entropy_backward": {"probs": v["probs"], "targets": case.targets},
        "linear_backward": {"dy": dy, "x": x, "w": w[f"{layer}.weight"]},
        "tanh_backward": {"dy": v["dh"], "y": v["h"]},
        "embedding_backward": {"demb": v["demb"], "ids": case.inputs, "V": case.sizes["V"]},
    }
    return Made(op, output, given[op])
