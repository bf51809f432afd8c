"""SGD and AdamW over several steps with injected gradients: one step sees neither the betas nor the decay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from inspect import Parameter, signature
from typing import Any

import numpy as np

from nnz.backend import initial

from ..bounds import derived as bounds
from ..bounds.compare import Measurement
from ..cases.ops import MANY
from .backend_under_test import Array, NotThere, Subject, as_array
from .error_bounds import OPTIMIZERS, Shadow
from .measuring import measured, proof_alone
from .ops import Check, call_op, expected_outputs

Measured = Iterator[list[Measurement]]

STEPS = 5
DECAYS = (1e-4, 0.1)
RATES = (0.02, 0.01, 0.02, 0.005, 0.001)  # a schedule sets lr before each step
LONG_RUN = (0.02,) * 50 + (0.01,) * 53  # beyond t = 100
OTHERS = {"betas": (0.8, 0.95), "eps": 1e-3}  # a constant of the code in the place of a setting shows
TINY = 1e-8  # the size of AdamW's eps: there a gradient no longer moves a weight by lr whatever its size
SHAPES = initial.mlp_shapes(vocab_size=7, context_length=2, embedding_size=3, hidden_size=5)


def adamw_steps(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """nn.ops.adamw_step, its p, m and v each carried through STEPS steps."""
    for decay in DECAYS:
        yield from _carried(subject, dtype, rng, (11, 6), RATES, decay)


def adamw_hundred_steps(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The same on an array of MANY numbers to beyond t = 100; by T1 alone, as the errors of so many steps add up."""
    for measurements in _carried(subject, dtype, rng, MANY, LONG_RUN, DECAYS[0]):
        yield [proof_alone(m) for m in measurements]


def _carried(
    subject: Subject, dtype: str, rng: np.random.Generator, shape: tuple[int, ...], rates: Sequence[float], decay: float
) -> Measured:
    function = subject.find("ops.adamw_step")
    p = rng.normal(size=shape).astype(dtype)
    actual = dict(zip("pmv", (p, np.zeros_like(p), np.zeros_like(p)), strict=True))
    expected, errors = dict(actual), {}
    settings = {**OPTIMIZERS["AdamW"][2], "weight_decay": decay}
    for t, lr in enumerate(rates, start=1):
        case = {"g": injected(rng, p.shape, dtype), "t": t, "lr": lr, **settings}
        limits = bounds.op_bounds("adamw_step", expected | case | errors, dtype)
        results = call_op(subject, function, "adamw_step", actual | case)
        expected = dict(zip("pmv", expected_outputs("adamw_step", expected | case), strict=True))
        yield measured(results, expected, limits, dtype)
        actual = {name: as_array(name, value, dtype) for name, value in results.items()}
        errors = {f"{name}_error": limit for name, limit in limits.items()}


def optimizer_object(name: str) -> Check:
    """The check of nn.SGD or nn.AdamW as the interface uses it: on a dict of arrays, its lr set before each step."""

    def check(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
        walk = partial(walked, subject, name, dtype, rng)
        for decay in DECAYS:
            yield from walk(SHAPES, RATES, decay)
        yield from walk({"weight": MANY}, RATES[:3], DECAYS[0])
        if name == "AdamW":
            yield from walk({"weight": (5, 3)}, LONG_RUN, DECAYS[0])
        others = OTHERS if name == "AdamW" and _takes(subject.find(name), OTHERS) else {}
        yield from walk(SHAPES, RATES, DECAYS[1], resumed_after=2, **others)

    return check


def walked(
    subject: Subject,
    name: str,
    dtype: str,
    rng: np.random.Generator,
    shapes: Mapping[str, tuple[int, ...]],
    rates: Sequence[float],
    decay: float,
    resumed_after: int = 0,
    **others: Any,
) -> Measured:
    """One run; after `resumed_after` steps a new optimizer goes on from the old one's state, if it can give it."""
    parameters = {k: rng.normal(size=shape).astype(dtype) for k, shape in shapes.items()}
    make = partial(subject.call, subject.find(name), lr=1.0, weight_decay=decay, updates=1, **others)
    optimizer, shadow = make(parameters), Shadow(name, dtype, decay, **_by_op_names(others))
    for step, lr in enumerate(rates):
        if step and step == resumed_after and (state := _state(subject, optimizer, dtype)) is not None:
            parameters = {k: np.array(as_array(k, p, dtype)) for k, p in parameters.items()}
            optimizer = make(parameters)
            subject.call(subject.find("load_state", optimizer), state, step)
        gradients = {k: injected(rng, shape, dtype) for k, shape in shapes.items()}
        before = {k: np.array(as_array(k, p, dtype)) for k, p in parameters.items()}
        subject.call(setattr, optimizer, "lr", lr)
        subject.call(subject.find("step", optimizer), gradients)
        yield measured(parameters, *shadow.step(before, gradients, lr), dtype)


def _state(subject: Subject, optimizer: Any, dtype: str) -> dict[str, Array] | None:
    """Copies of what state() gives; None where there is no state() or no load_state()."""
    try:
        give, _ = subject.find("state", optimizer), subject.find("load_state", optimizer)
        state = subject.call(give) if callable(give) else None
    except NotThere:
        return None
    return {k: np.array(as_array(k, a, dtype)) for k, a in state.items()} if isinstance(state, Mapping) else None


def _takes(function: Callable, settings: Mapping[str, Any]) -> bool:
    """Whether the signature has these settings; one that cannot be read is taken to."""
    try:
        known = signature(function).parameters
    except (TypeError, ValueError):
        return True
    return set(settings) <= set(known) or any(p.kind is Parameter.VAR_KEYWORD for p in known.values())


def _by_op_names(others: Mapping[str, Any]) -> dict[str, float]:
    return {"beta1": others["betas"][0], "beta2": others["betas"][1], "eps": others["eps"]} if others else {}


def injected(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Gradients of unit size, about half of them scaled down to TINY."""
    return (rng.normal(size=shape) * rng.choice([1.0, TINY], shape)).astype(dtype)
