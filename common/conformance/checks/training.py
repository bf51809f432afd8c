"""Training on the names inside the package: each of 100 steps alone, and in float64 the nine decimals of a log."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np

from nnz.backend import initial
from nnz.backend.schedules import SCHEDULES
from nnz.numbers.rng import RNG
from nnz.text.datasets import load_dataset

from ..bounds.compare import Measurement
from ..bounds.derived import OptimizerBounds
from ..bounds.rounding import unit_roundoff
from ..oracle import mlp as oracle
from .backend_under_test import Array, BackendUnderTest, Wrong, as_array, compare_all
from .model_under_test import Batch, Model, compare_with_oracle
from .ops import Measured

NINE_DECIMALS = 0.5e-9  # half of the ninth decimal


@dataclass(frozen=True)
class Run:
    """AdamW with a cosine schedule, from the weights that `seed` draws."""

    sizes: Mapping[str, int]
    batch_size: int
    rate: float
    steps: int
    decay: float = 1e-4
    seed: int = 1337

    def batches(self) -> Iterator[tuple[int, float, Batch]]:
        """(t, the rate of step t, its batch), t from 1."""
        data = load_dataset("names").train
        batches = data.batches(context_length=self.sizes["T"], batch_size=self.batch_size, steps=self.steps)
        for step, batch in enumerate(batches):
            yield step + 1, SCHEDULES["cosine"](self.rate, step, self.steps), batch

    @cached_property
    def stacked(self) -> tuple[Array, Array, Array]:
        """inputs (S,B,T), targets (S,B) and rates (S,) of all steps."""
        _, rates, batches = zip(*self.batches(), strict=True)
        inputs, targets = zip(*batches, strict=True)
        return np.stack(inputs), np.stack(targets), np.array(rates)

    def start(self, dtype: str) -> dict[str, Array]:
        """The initial weights."""
        return initial.mlp_parameters(initial.mlp_shapes(*(self.sizes[k] for k in "VTEH")), RNG(self.seed), dtype)


RUN = Run({"V": 27, "T": 3, "E": 7, "H": 19}, batch_size=32, rate=1e-2, steps=100)


class Step(NamedTuple):
    """One step of a backend: what its model returned, and the weights before and after."""

    t: int
    rate: float
    batch: Batch
    before: dict[str, Array]
    actual: dict[str, Array]
    after: dict[str, Array]


class Training:
    """The loop of the README. After each step `model` and `optimizer` are in the state after it."""

    def __init__(self, backend: BackendUnderTest, run: Run, dtype: str) -> None:
        self.backend, self.run, self.dtype = backend, run, dtype
        self.model = Model(backend, run.sizes, dtype, seed=run.seed)
        settings = {"lr": run.rate, "weight_decay": run.decay}
        self.optimizer = backend.call(backend.find("AdamW"), self.model.own_parameters(), **settings)

    def __iter__(self) -> Iterator[Step]:
        before = self.model.parameters()
        for t, rate, batch in self.run.batches():
            self.backend.call(setattr, self.optimizer, "lr", rate)
            results = self.model.step(*batch)
            actual = {name: copy.copy(as_array(name, value, self.dtype)) for name, value in results.items()}
            self.backend.call(self.backend.find("step", self.optimizer), {k: results[f"d{k}"] for k in before})
            after = self.model.parameters()
            yield Step(t, rate, batch, before, actual, after)
            before = after


def each_step(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Each step is compared with the oracle's step from the same weights, so no error adds up."""
    error_bounds = OptimizerBounds("AdamW", dtype, RUN.decay)
    for step in Training(backend, RUN, dtype):
        yield compare_with_oracle(step.actual, step.before, step.batch, dtype)
        gradients = {name: step.actual[f"d{name}"] for name in step.before}
        yield compare_all(step.after, *error_bounds.step(step.before, gradients, step.rate), dtype)


def nine_decimals(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The loss before each step and after the last, and the final weights, to nine decimals."""
    training = Training(backend, RUN, dtype)
    steps = list(training)
    losses = [_number(step.actual["loss"]) for step in steps] + [_number(training.model.forward(*steps[0].batch)[1])]
    expected_losses, expected_weights = trajectory()
    yield [compare_nine_decimals("losses", np.array(losses), expected_losses)]
    yield [compare_nine_decimals(name, p, expected_weights[name]) for name, p in steps[-1].after.items()]


@cache
def trajectory() -> tuple[Array, dict[str, Array]]:
    """The oracle's own losses (steps + 1,) and final weights, in float64 from the initial weights on."""
    weights, losses = RUN.start("float64"), []
    error_bounds = OptimizerBounds("AdamW", "float64", RUN.decay)
    for _, rate, batch in RUN.batches():
        values = oracle.mlp(weights, *batch)
        losses.append(values["loss"])
        weights, _ = error_bounds.step(weights, {name: values[f"d{name}"] for name in weights}, rate)
    _, _, first = next(RUN.batches())
    losses.append(oracle.mlp(weights, *first)["loss"])
    return np.array(losses), weights


def _number(loss: Any) -> float:
    array = np.asarray(as_array("loss", loss, "float64"))
    if array.shape != () or array.dtype.kind != "f":
        raise Wrong(f"the loss must be a float; it is {array.dtype} of shape {array.shape}")
    return float(array)


def compare_nine_decimals(name: str, actual: Array, expected: Array) -> Measurement:
    """By the promise of the log: over many steps rounding errors act on each other, and no useful bound is known."""
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        actual = np.full(expected.shape, np.inf)
    error = np.abs(actual - expected)
    worst = np.unravel_index(np.argmax(error), error.shape)
    texts = (f"{a:.9f}" == f"{e:.9f}" for a, e in zip(actual, expected, strict=True))
    ok = bool(error.max() <= NINE_DECIMALS) and (actual.ndim > 1 or name != "losses" or all(texts))
    return Measurement(
        name=name,
        max_error=float(error.max()),
        u_of_largest=float(error.max() / (unit_roundoff(np.float64) * np.abs(expected).max())),
        share_of_bound=float(error.max() / NINE_DECIMALS),
        t2_share=np.nan,  # T2 is for one pass
        index=tuple(int(i) for i in worst),
        actual=float(actual[worst]),
        expected=float(expected[worst]),
        finite=bool(np.isfinite(actual).all()),
        ok=ok,
        reason="" if ok else "the ninth decimal differs",
    )
