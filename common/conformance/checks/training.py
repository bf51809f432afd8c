"""A hundred steps on the names inside the package, each from where it stands; in float64 the nine decimals of a log."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from nnz.backend import initial
from nnz.backend.schedules import SCHEDULES
from nnz.numbers.rng import RNG
from nnz.text.datasets import load_dataset

from ..bounds.compare import Measurement
from ..bounds.rounding import unit_roundoff
from ..oracle import mlp as oracle
from .backend_under_test import Array, Subject, Wrong, as_array
from .error_bounds import Shadow
from .measuring import measured
from .model_under_test import Batch, Model, against_oracle

STEPS, BATCH, SEED = 100, 32, 1337
RATE, DECAY = 1e-2, 1e-4
SIZES = {"V": 27, "T": 3, "E": 7, "H": 19}
PROMISED = 0.5e-9  # half of the ninth decimal: two values nearer than that may be printed alike


def each_step(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Measurement]]:
    """The loop of the README. Every step is held against the oracle's from the same weights, so no error adds up."""
    model = Model(subject, SIZES, dtype, seed=SEED)
    optimizer = _adamw(subject, model)
    shadow = Shadow("AdamW", dtype, DECAY)
    for step, batch in enumerate(_batches()):
        weights, rate = model.parameters(), _rate(step)
        subject.call(setattr, optimizer, "lr", rate)
        actual = model.step(*batch)
        yield against_oracle(actual, weights, batch, dtype)
        exact = {name: np.array(as_array(name, actual[f"d{name}"], dtype)) for name in weights}
        subject.call(subject.find("step", optimizer), {name: actual[f"d{name}"] for name in weights})
        yield measured(model.parameters(), *shadow.step(weights, exact, rate), dtype)


def nine_decimals(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Measurement]]:
    """The loss before each step and after the last, to nine decimals, and the final weights as closely."""
    model = Model(subject, SIZES, dtype, seed=SEED)
    optimizer, losses = _adamw(subject, model), []
    for step, batch in enumerate(_batches()):
        subject.call(setattr, optimizer, "lr", _rate(step))
        actual = model.step(*batch)
        losses.append(_number(actual.pop("loss")))
        subject.call(subject.find("step", optimizer), {name[1:]: g for name, g in actual.items() if name != "logits"})
    losses.append(_number(model.forward(*_batches()[0])[1]))
    expected_losses, expected_weights = trajectory()
    yield [promised("losses", np.array(losses), expected_losses)]
    yield [promised(name, p, expected_weights[name]) for name, p in model.parameters().items()]


@cache
def trajectory() -> tuple[Array, dict[str, Array]]:
    """The oracle's own losses (STEPS + 1,) and final weights, in float64 from the first draw on."""
    weights = initial.mlp_parameters(initial.mlp_shapes(*(SIZES[k] for k in "VTEH")), RNG(SEED), "float64")
    shadow, losses = Shadow("AdamW", "float64", DECAY), []
    for step, batch in enumerate(_batches()):
        values = oracle.mlp(weights, *batch)
        losses.append(values["loss"])
        weights, _ = shadow.step(weights, {name: values[f"d{name}"] for name in weights}, _rate(step))
    losses.append(oracle.mlp(weights, *_batches()[0])["loss"])
    return np.array(losses), weights


@cache
def _batches() -> tuple[Batch, ...]:
    data = load_dataset("names")
    return tuple(data.train.batches(context_length=SIZES["T"], batch_size=BATCH, steps=STEPS))


def _rate(step: int) -> float:
    return SCHEDULES["cosine"](RATE, step, STEPS)


def _adamw(subject: Subject, model: Model) -> object:
    return subject.call(subject.find("AdamW"), model.own_parameters(), lr=RATE, weight_decay=DECAY)


def _number(loss: object) -> float:
    array = np.asarray(as_array("loss", loss, "float64"))
    if array.shape != () or array.dtype.kind != "f":
        raise Wrong(f"the loss must be a float; it is {array.dtype} of shape {array.shape}")
    return float(array)


def promised(name: str, actual: Array, expected: Array) -> Measurement:
    """A trajectory's rounding errors feed on each other, so no proof bounds them: here the log's promise stands."""
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        actual = np.full(expected.shape, np.inf)
    error = np.abs(actual - expected)
    worst = np.unravel_index(np.argmax(error), error.shape)
    texts = (f"{a:.9f}" == f"{e:.9f}" for a, e in zip(actual, expected, strict=True))
    ok = bool(error.max() <= PROMISED) and (actual.ndim > 1 or name != "losses" or all(texts))
    in_u = float(error.max() / (unit_roundoff(np.float64) * np.abs(expected).max()))
    return Measurement(
        name=name,
        max_error=float(error.max()),
        u_of_largest=in_u,
        share_of_bound=float(error.max() / PROMISED),
        t2_share=np.nan,  # T2 is for one pass
        index=tuple(int(i) for i in worst),
        actual=float(actual[worst]),
        expected=float(expected[worst]),
        finite=bool(np.isfinite(actual).all()),
        ok=ok,
        reason="" if ok else "the ninth decimal differs",
    )
