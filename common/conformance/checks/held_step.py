"""One step of training from a state that is known, held against the oracle's: weights, moments and loss."""

from __future__ import annotations

from collections.abc import Mapping

from ..bounds import derived as bounds
from ..bounds.compare import Measurement, compare
from ..oracle import mlp as oracle
from .backend_under_test import Array
from .measuring import proof_alone
from .ops import expected_outputs


def held_step(
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    loss: Array,
    batch: tuple[Array, Array],
    t: int,
    lr: float,
    dtype: str,
    settings: Mapping[str, float],
) -> list[Measurement]:
    """The states hold weights by name, their moments as `m.` and `v.` + name; `loss` (1,) is that before the step.

    The gradient is not shown, so its bound goes into those of p, m and v. For these T1 alone counts: where a gradient
    is smaller than its own rounding, AdamW turns honest noise into a step of any size up to lr.
    """
    weights = {name: p for name, p in before.items() if name[:2] not in ("m.", "v.")}
    values, limits = oracle.mlp(weights, *batch), bounds.mlp_bounds(weights, *batch, dtype)
    found = [compare("loss", loss, values["loss"][None], limits["loss"][None], dtype)]
    for name in weights:
        state = {"p": before[name], "m": before[f"m.{name}"], "v": before[f"v.{name}"]}
        arguments = {**state, "g": values[f"d{name}"], "t": t, "lr": lr, **settings}
        allowed = bounds.op_bounds("adamw_step", {**arguments, "g_error": limits[f"d{name}"]}, dtype)
        expected = dict(zip(allowed, expected_outputs("adamw_step", arguments), strict=True))
        for key, label in (("p", name), ("m", f"m.{name}"), ("v", f"v.{name}")):
            found.append(proof_alone(compare(label, after[label], expected[key], allowed[key], dtype)))
    return found
