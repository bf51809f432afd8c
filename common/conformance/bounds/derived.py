"""T1: derived elementwise bounds on |backend - oracle|, for one operation, for the MLP and for steps of an optimizer.

The oracle computes in float64 and is itself off by rounding: each bound is that of the dtype plus that of float64.
Parameters and arguments must be the exact values in the dtype. Correct code never exceeds a bound, in whatever order it
adds.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..oracle import mlp as oracle
from ..oracle import ops as oracle_ops
from . import batch_norm as bounds_batch_norm
from . import gpt_ops as bounds_gpt_ops
from . import ops as bounds_ops
from . import optimizers as bounds_optimizers
from .rounding import GUARD, Arithmetic

__all__ = ["OptimizerBounds", "mlp_bounds", "mlp_terms", "op_bounds", "terms"]

Array = np.ndarray

# class -> (function of the oracle, its moments, its settings when only lr and weight_decay are given)
OPTIMIZERS: dict[str, tuple[str, tuple[str, ...], dict[str, float]]] = {
    "SGD": ("sgd_step", (), {}),
    "AdamW": ("adamw_step", ("m", "v"), {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
}


def op_bounds(op_name: str, arguments: dict[str, Any], dtype: DTypeLike) -> dict[str, Array]:
    """The bounds of one function of oracle_ops.OUTPUTS on these arguments, keyed by the names of its outputs.

    An argument that was itself computed comes with its own bound: `x_error` next to `x`. A bound returned from here
    already includes the oracle's share, so passing it on through several steps stays on the safe side.
    """
    function = _function(op_name)
    wide = {name: _float64(value) for name, value in arguments.items()}
    both = [function(Arithmetic.of(kind), **wide) for kind in (dtype, np.float64)]
    limits = (None if own is None else GUARD * (own + oracles) for own, oracles in zip(*both, strict=True))
    return oracle_ops.by_name(op_name, tuple(limits))


def terms(op_name: str, arguments: dict[str, Any]) -> dict[str, float]:
    """How many terms the longest sum of each output has, keyed by the names of the outputs; 1 where there is none."""
    case, one = arguments, dict.fromkeys(oracle_ops.OUTPUTS[op_name], 1.0)
    if op_name == "embedding_backward":
        return {"dwte": float(np.bincount(case["ids"].ravel()).max())}
    if op_name == "linear_forward":
        return {"y": case["w"].shape[1] + 1}
    if op_name == "linear_backward":
        rows = case["x"].size // case["x"].shape[-1]
        return {"dx": case["w"].shape[0], "dw": rows, "db": rows}
    if op_name.startswith("cross_entropy"):
        longest = max(case["logits"].shape) if "logits" in case else 1
        return one | {"loss": longest, "probs": longest} if "logits" in case else one
    if op_name.startswith("batch_norm"):
        return dict.fromkeys(one, case["x"].size // case["x"].shape[-1])
    if op_name.startswith(("layer_norm", "rms_norm")):
        return dict.fromkeys(one, float(max(case["x"].shape)))
    if op_name.startswith("attention"):
        _, T, _, E = case["qkv"].shape
        return dict.fromkeys(one, float(T + E // (case["H"] if "H" in case else case["probs"].shape[1])))
    return one


def mlp_terms(parameters: dict[str, Array], inputs: Array) -> dict[str, float]:
    """As `terms`, of every tensor of oracle.mlp; a tensor without a sum of its own has that of those it is made of."""
    (B, T), (V, E), H = inputs.shape, parameters["wte"].shape, len(parameters["fc1.bias"])
    forward, back = max(T * E, H), max(V, H)
    found = {
        "emb": 1,
        "h_pre": T * E,
        "h": T * E,
        "logits": forward,
        "loss": max(forward, V, B),
        "probs": max(forward, V),
    }
    backward = ("dlogits", "dh", "dh_pre", "demb")
    found |= dict.fromkeys(backward, max(forward, back)) | dict.fromkeys(
        ("dfc2.weight", "dfc2.bias"), max(forward, V, B)
    )
    found |= dict.fromkeys(("dfc1.weight", "dfc1.bias", "dwte"), max(forward, back, B * T))
    return {name: float(n) for name, n in found.items()}


def mlp_bounds(parameters: dict[str, Array], inputs: Array, targets: Array, dtype: DTypeLike) -> dict[str, Array]:
    """A bound for every tensor of oracle.mlp, under the same keys, in the same order."""
    parameters = {name: _float64(p) for name, p in parameters.items()}
    values = oracle.mlp(parameters, inputs, targets)
    own, oracles = (
        _propagate(Arithmetic.of(kind), parameters, inputs, targets, values) for kind in (dtype, np.float64)
    )
    return {name: GUARD * (own[name] + oracles[name]) for name in values}


class OptimizerBounds:
    """The oracle's optimizer, stepped together with the backend's, and how far correct moments may be off by now.

    Each step starts from the backend's own parameters, so that only the moments carry an error to the next step.
    """

    def __init__(self, name: str, dtype: str, weight_decay: float, **others: float) -> None:
        self.op_name, self.moments, settings = OPTIMIZERS[name]
        self.settings = {**settings, **others, "weight_decay": weight_decay}
        self.dtype, self.t = dtype, 0
        self.state: dict[str, dict[str, Array]] = {}
        self.errors: dict[str, dict[str, Array]] = {}

    def step(
        self, parameters: Mapping[str, Array], gradients: Mapping[str, Array], lr: float
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """(the parameters after the step, their bounds); both arguments are exact in the dtype."""
        self.t += 1
        after, allowed = {}, {}
        for name, p in parameters.items():
            state = self.state.get(name) or {moment: np.zeros_like(p) for moment in self.moments}
            arguments = {"p": p, "g": gradients[name], "lr": lr, **state, **self.settings}
            if self.moments:
                arguments["t"] = self.t
            limits = op_bounds(self.op_name, arguments | self.errors.get(name, {}), self.dtype)
            values = oracle_ops.outputs(self.op_name, arguments)
            after[name], allowed[name] = values["p"], limits["p"]
            self.state[name] = {moment: values[moment] for moment in self.moments}
            self.errors[name] = {f"{moment}_error": limits[moment] for moment in self.moments}
        return after, allowed


def _propagate(
    a: Arithmetic, parameters: dict[str, Array], inputs: Array, targets: Array, values: dict[str, Array]
) -> dict[str, Array]:
    """The error bounds e of the oracle's values, carried through the whole network, forward and backward."""
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
    """The bound of an op has the op's own name, in one of four modules."""
    for module in (bounds_ops, bounds_batch_norm, bounds_optimizers, bounds_gpt_ops):
        if op_name in oracle_ops.OUTPUTS and hasattr(module, op_name):
            return getattr(module, op_name)
    raise ValueError(f"no bound is derived for {op_name!r}; there is one for each of {', '.join(oracle_ops.OUTPUTS)}")


def _float64(value: Any) -> Any:
    """A floating array widened; ids, settings and flags as they are."""
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
