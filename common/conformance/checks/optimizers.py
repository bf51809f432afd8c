"""SGD and AdamW over several steps with given gradients: one step shows neither the betas nor the decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from nnz.backend import initial

from ..bounds import derived as bounds
from ..bounds.derived import OPTIMIZERS, OptimizerBounds
from ..cases.ops import MANY
from ..cases.wide import log_uniform
from ..oracle import ops as oracle_ops
from .backend_under_test import Array, BackendUnderTest, NotThere, accepts, as_array, compare_all
from .ops import CheckFunction, Measured, block_sizes, call_op

STEPS = 5
DECAYS = (1e-4, 0.1)
RATES = (0.02, 0.01, 0.02, 0.005, 0.001)  # a schedule sets lr before each step
LONG_RUN = (0.02,) * 50 + (0.01,) * 53  # beyond t = 100
OTHER_SETTINGS = {"betas": (0.8, 0.95), "eps": 1e-3}  # shows a constant that is used instead of a setting
TINY = 1e-8  # the size of AdamW's eps; a larger gradient moves a weight by about lr, whatever its size
LARGE = 1e4
SHAPES = initial.mlp_shapes(vocab_size=7, context_length=2, embedding_size=3, hidden_size=5)


def adamw_steps(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """nn.ops.adamw_step, its p, m and v each carried through STEPS steps."""
    for decay in DECAYS:
        yield from _carried(backend, dtype, rng, (11, 6), RATES, decay)


def adamw_hundred_steps(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The same on an array of MANY numbers to beyond t = 100; by T1 alone, as the errors of so many steps add up."""
    for measurements in _carried(backend, dtype, rng, MANY, LONG_RUN, DECAYS[0]):
        yield [m.by_t1_alone() for m in measurements]


def _carried(
    backend: BackendUnderTest,
    dtype: str,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    rates: Sequence[float],
    decay: float,
) -> Measured:
    function = backend.find("ops.adamw_step")
    p = rng.normal(size=shape).astype(dtype)
    actual = dict(zip("pmv", (p, np.zeros_like(p), np.zeros_like(p)), strict=True))
    expected, errors = dict(actual), {}
    settings = {**OPTIMIZERS["AdamW"][2], "weight_decay": decay}
    for t, lr in enumerate(rates, start=1):
        case = {"g": random_gradients(rng, p.shape, dtype), "t": t, "lr": lr, **settings}
        limits = bounds.op_bounds("adamw_step", expected | case | errors, dtype)
        results = call_op(backend, function, "adamw_step", actual | case)
        expected = oracle_ops.outputs("adamw_step", expected | case)
        yield compare_all(results, expected, limits, dtype)
        actual = {name: as_array(name, value, dtype) for name, value in results.items()}
        errors = {f"{name}_error": limit for name, limit in limits.items()}


def optimizer_object(name: str) -> CheckFunction:
    """The check of nn.SGD or nn.AdamW as the interface uses it: on a dict of arrays, its lr set before each step."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
        run = partial(optimizer_run, backend, name, dtype, rng)
        for decay in DECAYS:
            yield from run(SHAPES, RATES, decay)
        yield from run({"weight": MANY}, RATES[:3], DECAYS[0])
        yield from run({"first": (5, 3), "second": (5, 3)}, RATES, DECAYS[1], rests=0.5)
        if name == "AdamW":
            yield from run({"weight": (5, 3)}, LONG_RUN, DECAYS[0])
        others = OTHER_SETTINGS if name == "AdamW" and accepts(backend.find(name), *OTHER_SETTINGS) else {}
        yield from run(SHAPES, RATES, DECAYS[1], resumed_after=2, **others)
        yield from run(SHAPES, (0.0, 0.01, 0.0, 0.01), 0.0, **(others and {**others, "eps": 0.0}))
        for t in (2_001, log_uniform(rng, 10**6), 10**6):
            yield from run(SHAPES, RATES, DECAYS[1], resumed_after=2, resumed_at=t)
        for size in sorted({block + by for block in block_sizes(backend, dtype, name.lower()) for by in (-1, 0, 1)}):
            yield from run({"weight": (size,)}, RATES[:2], DECAYS[0])

    return check


def optimizer_run(
    backend: BackendUnderTest,
    name: str,
    dtype: str,
    rng: np.random.Generator,
    shapes: Mapping[str, tuple[int, ...]],
    rates: Sequence[float],
    decay: float,
    resumed_after: int = 0,
    resumed_at: int = 0,
    rests: float = 0.0,
    **others: Any,
) -> Measured:
    """Several steps; after `resumed_after` of them a new optimizer continues from the state() of the old one, and as if
    `resumed_at` steps had been done, if that is given. In a share of `rests` all gradients of a parameter are 0."""
    parameters = {k: rng.normal(size=shape).astype(dtype) for k, shape in shapes.items()}
    make = partial(backend.call, backend.find(name), lr=1.0, weight_decay=decay, updates=1, **others)
    optimizer, error_bounds = make(parameters), OptimizerBounds(name, dtype, decay, **_by_op_names(others))
    for step, lr in enumerate(rates):
        if step and step == resumed_after and (state := _state(backend, optimizer, dtype)) is not None:
            parameters = {k: np.array(as_array(k, p, dtype)) for k, p in parameters.items()}
            optimizer = make(parameters)
            error_bounds.t = resumed_at or step
            backend.call(backend.find("load_state", optimizer), state, error_bounds.t)
        gradients = {k: random_gradients(rng, shape, dtype) for k, shape in shapes.items()}
        gradients = {k: g * (rng.random() >= rests) if rests else g for k, g in gradients.items()}
        before = {k: np.array(as_array(k, p, dtype)) for k, p in parameters.items()}
        backend.call(setattr, optimizer, "lr", lr)
        backend.call(backend.find("step", optimizer), gradients)
        after, limits = error_bounds.step(before, gradients, lr)
        found = compare_all(parameters, after, limits, dtype)
        moved = {k: max(np.abs(p).max(), lr * np.abs(gradients[k]).max()) for k, p in before.items()}
        # Where large numbers cancel, their rounding is large next to what is left: T2 does not fit.
        yield [m.by_t1_alone() if np.abs(after[m.name]).max() < moved[m.name] / 2 else m for m in found]


def _state(backend: BackendUnderTest, optimizer: Any, dtype: str) -> dict[str, Array] | None:
    """Copies of the arrays of state(); None where state() or load_state() is missing."""
    try:
        give, _ = backend.find("state", optimizer), backend.find("load_state", optimizer)
        state = backend.call(give) if callable(give) else None
    except NotThere:
        return None
    return {k: np.array(as_array(k, a, dtype)) for k, a in state.items()} if isinstance(state, Mapping) else None


def _by_op_names(others: Mapping[str, Any]) -> dict[str, float]:
    return {"beta1": others["betas"][0], "beta2": others["betas"][1], "eps": others["eps"]} if others else {}


def random_gradients(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Gradients of unit size, TINY ones and large ones."""
    return (rng.normal(size=shape) * rng.choice([1.0, TINY, LARGE], shape, p=[0.5, 0.4, 0.1])).astype(dtype)
