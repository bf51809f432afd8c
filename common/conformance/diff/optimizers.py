"""SGD and AdamW of two backends, side by side: a few steps from the same parameters with the same gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..bounds import derived as bounds
from ..checks.backend_under_test import Array, BackendUnderTest, as_array
from ..checks.optimizers import random_gradients
from ..oracle import ops as oracle_ops

RATES = (0.02, 0.01, 0.02, 0.005, 0.001)  # set before each step, as a schedule does
DECAY = 0.1

# mistake -> the settings of the oracle that are changed by it
MISTAKES: dict[str, dict[str, Any]] = {
    "the weight decay is missing": {"weight_decay": 0.0},
    "the weight decay is added to the gradient (L2)": {"l2": True},
    "the bias correction is missing": {"t": 10**6},
    "t is not counted: it is always 1": {"t": 1},
    "t begins at 2": {"later": 1},
    "the moments are not kept from one step to the next": {"forgets": True},
    "the decay is not multiplied by the learning rate": {"decay_by_lr": False},
    "the learning rate stays what it was at first": {"first_rate": True},
    "eps is inside the root": {"eps_inside": True},
    "eps is missing": {"eps": 0.0},
    "beta1 and beta2 are the same": {"beta2": 0.9},
    "the sign is flipped: it goes up the gradient": {"sign": -1},
}


def gradients(parameters: dict[str, Array], seed: int, dtype: str) -> list[dict[str, Array]]:
    """For each step."""
    rng = np.random.default_rng(seed)
    return [{name: random_gradients(rng, p.shape, dtype) for name, p in parameters.items()} for _ in RATES]


def steps_of(
    backend: BackendUnderTest, name: str, start: dict[str, Array], grads: list[dict[str, Array]], dtype: str
) -> list[dict[str, Array]]:
    """Its parameters after each step. Raises NotThere and Wrong."""
    parameters: dict[str, Any] = {key: p.copy() for key, p in start.items()}
    make = backend.find(name)
    optimizer = backend.call(make, parameters, lr=1.0, weight_decay=DECAY, updates=1)
    found = []
    for lr, gradient in zip(RATES, grads, strict=True):
        backend.call(setattr, optimizer, "lr", lr)
        backend.call(backend.find("step", optimizer), {key: g.copy() for key, g in gradient.items()})
        found.append({key: np.array(as_array(key, p, dtype)) for key, p in parameters.items()})
    return found


def expected_steps(
    name: str, start: dict[str, Array], grads: list[dict[str, Array]], dtype: str
) -> Iterator[tuple[dict[str, Array], dict[str, Array], dict[str, dict[str, Any]]]]:
    """After each step the oracle's parameters, how far a correct backend may be off by then, and what the operation was
    given, by the parameters' names."""
    op, moments, settings = bounds.OPTIMIZERS[name]
    state = {key: {"p": p.astype(np.float64), **{m: np.zeros_like(p) for m in moments}} for key, p in start.items()}
    errors: dict[str, dict[str, Array]] = {key: {} for key in start}
    for t, (lr, gradient) in enumerate(zip(RATES, grads, strict=True), start=1):
        given = {}
        for key in start:
            given[key] = {**state[key], "g": gradient[key], "lr": lr, **settings, "weight_decay": DECAY}
            given[key] |= {"t": t} if moments else {}
            limits = bounds.op_bounds(op, given[key] | errors[key], dtype)
            state[key] = oracle_ops.outputs(op, given[key])
            errors[key] = {f"{k}_error": limit for k, limit in limits.items()}
        yield {k: s["p"] for k, s in state.items()}, {k: e["p_error"] for k, e in errors.items()}, given


def mistaken_steps(name: str, start: Array, grads: list[Array]) -> Iterator[tuple[str, list[Array]]]:
    """One parameter after each step, as each of the usual mistakes would leave it."""
    _, moments, settings = bounds.OPTIMIZERS[name]
    for mistake, change in MISTAKES.items():
        if moments or change.keys() & {"weight_decay", "decay_by_lr", "first_rate", "sign"}:
            with np.errstate(all="ignore"):
                yield mistake, list(_steps(start, grads, {**settings, "weight_decay": DECAY, **change}))


def _steps(p: Array, grads: list[Array], s: dict[str, Any]) -> Iterator[Array]:
    p = p.astype(np.float64)
    m, v = np.zeros_like(p), np.zeros_like(p)
    for step, (lr, g) in enumerate(zip(RATES, grads, strict=True), start=1):
        lr, t = RATES[0] if s.get("first_rate") else lr, s.get("t", step + s.get("later", 0))
        shrunk = p - (lr if s.get("decay_by_lr", True) else 1.0) * s["weight_decay"] * p
        if s.get("l2"):
            shrunk, g = p, g + s["weight_decay"] * p
        if "beta1" not in s:  # SGD
            p = shrunk - s.get("sign", 1) * lr * g
        else:
            m, v = (0 * m, 0 * v) if s.get("forgets") else (m, v)
            m, v = s["beta1"] * m + (1 - s["beta1"]) * g, s["beta2"] * v + (1 - s["beta2"]) * g**2
            vhat = v / (1 - s["beta2"] ** t)
            root = np.sqrt(vhat + s["eps"]) if s.get("eps_inside") else np.sqrt(vhat) + s["eps"]
            p = shrunk - s.get("sign", 1) * lr * m / (1 - s["beta1"] ** t) / root
        yield p
