"""SGD and AdamW over several steps with injected gradients: one step sees neither the betas nor the decay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnz import initial

from . import bounds
from .checks_ops import Check, call_op, expected_outputs
from .compare import Measurement
from .measuring import measured
from .shadow import OPTIMIZERS, Shadow
from .subject import Array, Subject, as_array

STEPS = 5
DECAYS = (1e-4, 0.1)
RATES = (0.02, 0.01, 0.02, 0.005, 0.001)  # a schedule sets lr before each step
TINY = 1e-8  # the size of AdamW's eps: there a gradient no longer moves a weight by lr whatever its size
SHAPES = initial.mlp_shapes(vocab_size=7, context_length=2, embedding_size=3, hidden_size=5)


def adamw_steps(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Measurement]]:
    """nn.ops.adamw_step, its p, m and v each carried through STEPS steps."""
    function = subject.find("ops.adamw_step")
    for decay in DECAYS:
        p = rng.normal(size=(11, 6)).astype(dtype)
        actual = dict(zip("pmv", (p, np.zeros_like(p), np.zeros_like(p)), strict=True))
        expected, errors = dict(actual), {}
        settings = {**OPTIMIZERS["AdamW"][2], "weight_decay": decay}
        for t, lr in enumerate(RATES, start=1):
            case = {"g": injected(rng, p.shape, dtype), "t": t, "lr": lr, **settings}
            limits = bounds.op_bounds("adamw_step", expected | case | errors, dtype)
            results = call_op(subject, function, "adamw_step", actual | case)
            expected = dict(zip("pmv", expected_outputs("adamw_step", expected | case), strict=True))
            yield measured(results, expected, limits, dtype)
            actual = {name: as_array(name, value, dtype) for name, value in results.items()}
            errors = {f"{name}_error": limit for name, limit in limits.items()}


def optimizer_object(name: str) -> Check:
    """The check of nn.SGD or nn.AdamW as the interface uses it: on a dict of arrays, its lr set before each step."""

    def check(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Measurement]]:
        for decay in DECAYS:
            parameters = {k: rng.normal(size=shape).astype(dtype) for k, shape in SHAPES.items()}
            optimizer = subject.call(subject.find(name), parameters, lr=1.0, weight_decay=decay, updates=1)
            shadow = Shadow(name, dtype, decay)
            for lr in RATES:
                gradients = {k: injected(rng, shape, dtype) for k, shape in SHAPES.items()}
                before = {k: np.array(as_array(k, p, dtype)) for k, p in parameters.items()}
                subject.call(setattr, optimizer, "lr", lr)
                subject.call(subject.find("step", optimizer), gradients)
                yield measured(parameters, *shadow.step(before, gradients, lr), dtype)

    return check


def injected(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Gradients of unit size, about half of them scaled down to TINY."""
    return (rng.normal(size=shape) * rng.choice([1.0, TINY], shape)).astype(dtype)
