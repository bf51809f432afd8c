"""T1, the proof: derived elementwise bounds on |backend - oracle|, for one op, for the MLP and along optimizer steps.

The oracle computes in float64 and so is off itself: each bound is that of the dtype plus that of float64. Parameters
and arguments must be the exact values in the dtype. No honest code exceeds a bound, whatever its order of sums.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..oracle import mlp as oracle
from . import batch_norm as bounds_batch_norm
from . import ops as bounds_ops
from . import optimizers as bounds_optimizers
from .rounding import GUARD, Arithmetic, gamma, unit_roundoff

__all__ = ["OUTPUTS", "gamma", "mlp_bounds", "op_bounds", "unit_roundoff"]

Array = np.ndarray

# What each function of the oracle returns, in order.
OUTPUTS: dict[str, tuple[str, ...]] = {
    "embedding_forward": ("emb",),
    "embedding_backward": ("dwte",),
    "linear_forward": ("y",),
    "linear_backward": ("dx", "dw", "db"),
    "tanh_forward": ("y",),
    "tanh_backward": ("dx",),
    "cross_entropy_forward": ("loss", "probs"),
    "cross_entropy_backward": ("dlogits",),
    "batch_norm_forward": ("y", "mean", "rstd", "new_running_mean", "new_running_var"),
    "batch_norm_backward": ("dx", "dweight", "dbias"),
    "sgd_step": ("p",),
    "adamw_step": ("p", "m", "v"),
}


def op_bounds(op_name: str, arguments: dict[str, Any], dtype: DTypeLike) -> dict[str, Array]:
    """The bounds of one function of OUTPUTS on these arguments, keyed by the names of its outputs.

    An argument that was itself computed comes with its own bound, as `x_error` beside `x`; a bound got from here
    already holds the oracle's share, so walking several steps this way stays on the safe side.
    """
    function = _function(op_name)
    wide = {name: _float64(value) for name, value in arguments.items()}
    both = [function(Arithmetic.of(kind), **wide) for kind in (dtype, np.float64)]
    return {name: GUARD * (own + oracles) for name, own, oracles in zip(OUTPUTS[op_name], *both, strict=True)}


def mlp_bounds(parameters: dict[str, Array], inputs: Array, targets: Array, dtype: DTypeLike) -> dict[str, Array]:
    """A bound for every tensor of oracle.mlp, under the same keys, in the same order."""
    parameters = {name: _float64(p) for name, p in parameters.items()}
    values = oracle.mlp(parameters, inputs, targets)
    own, oracles = (_walk(Arithmetic.of(kind), parameters, inputs, targets, values) for kind in (dtype, np.float64))
    return {name: GUARD * (own[name] + oracles[name]) for name in values}


def _walk(
    a: Arithmetic, parameters: dict[str, Array], inputs: Array, targets: Array, values: dict[str, Array]
) -> dict[str, Array]:
    """The shadow network: carries the error bounds e beside the oracle's values, forward and backward."""
    w1, b1, w2, b2 = (parameters[k] for k in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"))
    flat, e = values["emb"].reshape(len(inputs), -1), {}
    (e["emb"],) = bounds_ops.embedding_forward(a, parameters["wte"], inputs)
    (e["h_pre"],) = bounds_ops.linear_forward(a, flat, w1, b1)
    (e["h"],) = bounds_ops.tanh_forward(a, values["h_pre"], e["h_pre"])
    (e["logits"],) = bounds_ops.linear_forward(a, values["h"], w2, b2, e["h"])
    e["loss"], e["probs"] = bounds_ops.cross_entropy_forward(a, values["logits"], targets, e["logits"])
    (e["dlogits"],) = bounds_ops.cross_entropy_backward(a, values["probs"], targets, e["probs"])
    e["dh"], e["dfc2.weight"], e["dfc2.bias"] = bounds_ops.linear_backward(
        a, values["dlogits"], values["h"], w2, e["dlogits"], e["h"]
    )
    (e["dh_pre"],) = bounds_ops.tanh_backward(a, values["dh"], values["h"], e["dh"], e["h"])
    dflat, e["dfc1.weight"], e["dfc1.bias"] = bounds_ops.linear_backward(a, values["dh_pre"], flat, w1, e["dh_pre"])
    e["demb"] = dflat.reshape(values["emb"].shape)
    (e["dwte"],) = bounds_ops.embedding_backward(a, values["demb"], inputs, len(parameters["wte"]), e["demb"])
    return e


def _function(op_name: str) -> Callable[..., tuple[Array, ...]]:
    """The bound of an op has the op's own name, in one of three modules."""
    for module in (bounds_ops, bounds_batch_norm, bounds_optimizers):
        if op_name in OUTPUTS and hasattr(module, op_name):
            return getattr(module, op_name)
    raise ValueError(f"no bound is derived for {op_name!r}; there is one for each of {', '.join(OUTPUTS)}")


def _float64(value: Any) -> Any:
    """A floating array widened; ids, settings and flags as they are."""
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
