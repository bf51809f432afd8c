"""Clipping by the global norm, alone and in the training of a small GPT: dropout, backward, clip, AdamW."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnz.backend import clipping
from nnz.backend.schedules import SCHEDULES

from ..bounds import derived as bounds
from ..bounds.derived import OptimizerBounds
from ..bounds.rounding import gamma, unit_roundoff
from ..cases.gpt import DROPPED, GPTCase, random_gpt_batch, random_gpt_case
from ..oracle import gpt as oracle
from ..oracle import ops as oracle_ops
from .backend_under_test import Array, BackendUnderTest, Wrong, as_array, compare_all
from .gpt_model import Model, compared
from .ops import Measured
from .training import compare_nine_decimals

Named = dict[str, Array]

SHAPES = {"wte.weight": (13, 8), "norm.weight": (8,), "head.weight": (300, 41), "head.bias": (1,)}
SHARES = (0.01, 0.5, 0.999, 1.0, 1.001, 7.0)  # of the norm, that max_norm is
FEW, STEPS, RATE, DECAY, SEED = 3, 8, 1e-2, 0.1, 7
LONGER = 20  # steps, of which every loss is known to nine decimals
MAX_NORM = 0.7  # below the norm of nearly every step


def global_norm(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The norm that is returned and the gradients that are left, for a max_norm below, at and above it; zeros too."""
    function = backend.find("clip_grad_norm")
    for _ in range(min(rounds, FEW)):
        scales = 10.0 ** rng.uniform(-6, 3, len(SHAPES))
        given = {
            k: (s * rng.normal(size=shape)).astype(dtype) for s, (k, shape) in zip(scales, SHAPES.items(), strict=True)
        }
        norm = np.sqrt(sum(np.square(g.astype(np.float64)).sum() for g in given.values()))
        for share in SHARES:
            yield _clipped(backend, function, given, float(share * norm), dtype)
        yield _clipped(backend, function, {k: np.zeros_like(g) for k, g in given.items()}, 1.0, dtype)
        yield _clipped(backend, function, given, 0.0, dtype)


def _clipped(backend: BackendUnderTest, function: Callable, given: Named, max_norm: float, dtype: str) -> list[Any]:
    left = {k: g.copy() for k, g in given.items()}
    norm = backend.call(function, left, max_norm, updates=1)
    expected, limits = clipped_with_bounds(given, max_norm, dtype)
    try:
        actual: dict[str, Any] = {"norm": float(norm)}
    except (TypeError, ValueError) as error:
        raise Wrong(f"clip_grad_norm must return the norm, a float; it returned {type(norm).__name__}") from error
    return compare_all(actual | left, expected, limits, dtype, any_value=True)


def clipped_with_bounds(given: Named, max_norm: float, dtype: str) -> tuple[Named, Named]:
    """(the norm and the gradients after clipping, how far each may be off); see docs/numerics.md."""
    squares = {k: oracle_ops.outputs("square_sum", {"g": g})["total"] for k, g in given.items()}
    wide = unit_roundoff(np.float64)
    total = sum(squares.values())
    off = sum(bounds.op_bounds("square_sum", {"g": g}, dtype)["total"] for g in given.values())
    off = off + gamma(len(given), wide) * total
    norm = np.sqrt(total)
    norm_off = np.divide(off, norm, out=np.zeros(()), where=norm > 0) + 2 * wide * norm
    scale = min(1.0, max_norm / (norm + clipping.EPS))
    relative = norm_off / (norm + clipping.EPS) + gamma(4, wide)
    expected, limits = {"norm": norm}, {"norm": norm_off}
    for k, g in given.items():
        case = {"g": g, "scale": float(scale)}
        expected[k] = oracle_ops.outputs("clip_step", case)["g"]
        limits[k] = bounds.op_bounds("clip_step", case, dtype)["g"] + 2 * relative * np.abs(expected[k])
    return expected, limits


class Training:
    """A small GPT with dropout, trained as the training loop trains: forward, backward, clip, AdamW."""

    def __init__(self, backend: BackendUnderTest, case: GPTCase, dtype: str) -> None:
        self.backend, self.dtype = backend, dtype
        self.model = Model(backend, case, dtype, dropout_seed=SEED)
        make = backend.find("AdamW")
        self.optimizer = backend.call(make, self.model.own_parameters(), lr=RATE, weight_decay=DECAY, updates=1)

    def step(self, batch: tuple[Array, Array], lr: float) -> tuple[dict[str, Any], Named, Named]:
        """What the model returned; the gradients before clipping and after it."""
        actual = self.model.step(*batch)
        before = {k[1:]: np.array(as_array(k, g, self.dtype)) for k, g in actual.items() if k not in ("logits", "loss")}
        after = {k: g.copy() for k, g in before.items()}
        self.backend.call(self.backend.find("clip_grad_norm"), after, MAX_NORM, updates=1)
        self.backend.call(setattr, self.optimizer, "lr", lr)
        self.backend.call(self.backend.find("step", self.optimizer), after)
        return actual, before, after


def each_step(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Each step against the oracle's from the same weights: loss and gradients, the clipped ones, the new weights."""
    case = random_gpt_case(rng, dtype, **DROPPED)
    training, error_bounds = Training(backend, case, dtype), OptimizerBounds("AdamW", dtype, DECAY)
    for step, (batch, lr) in enumerate(_batches(rng, case, STEPS)):
        weights = training.model.parameters()
        actual, before, after = training.step(batch, lr)
        now = replace(case, weights=weights, inputs=batch[0], targets=batch[1])
        yield compared(actual, now, dtype, **DROPPED, seed=SEED, step=step)
        expected, limits = clipped_with_bounds(before, MAX_NORM, dtype)
        found = compare_all(after, {k: expected[k] for k in after}, limits, dtype, any_value=True)
        yield [replace(m, name=f"clipped d{m.name}") for m in found]
        yield compare_all(training.model.parameters(), *error_bounds.step(weights, after, lr), dtype, any_value=True)


def nine_decimals(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The loss before each of LONGER steps, to nine decimals, beside the oracle's own training."""
    case = random_gpt_case(rng, dtype, **DROPPED)
    training, batches = Training(backend, case, dtype), list(_batches(rng, case, LONGER))
    losses = [float(np.asarray(as_array("loss", training.step(*given)[0]["loss"], dtype))) for given in batches]
    yield [compare_nine_decimals("losses", np.array(losses), np.array(list(_oracle_losses(case, batches))))]


def _batches(rng: np.random.Generator, case: GPTCase, steps: int) -> Iterator[tuple[tuple[Array, Array], float]]:
    for step in range(steps):
        yield random_gpt_batch(rng, case.config, 3), SCHEDULES["cosine"](RATE, step, steps)


def _oracle_losses(case: GPTCase, batches: list[tuple[tuple[Array, Array], float]]) -> Iterator[Array]:
    weights: Mapping[str, Array] = {k: p.astype(np.float64) for k, p in case.weights.items()}
    c, error_bounds = case.config, OptimizerBounds("AdamW", "float64", DECAY)
    how = {
        "n_head": c.n_head,
        "activation": c.activation,
        "norm": c.norm,
        "norm_first": c.norm_first,
        **DROPPED,
        "seed": SEED,
    }
    for step, (batch, lr) in enumerate(batches):
        values = oracle.gpt(dict(weights), *batch, **how, step=step)
        yield values["loss"]
        clipped, _ = clipped_with_bounds({k: values[f"d{k}"] for k in weights}, MAX_NORM, "float64")
        weights, _ = error_bounds.step(dict(weights), {k: clipped[k] for k in weights}, lr)
