"""What only a whole program can show: its own training loop, its own sampling, its own reading and writing of files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nnz.backend import initial
from nnz.backend.schedules import SCHEDULES
from nnz.numbers.rng import RNG
from nnz.recipes.recipe import Recipe
from nnz.runs import checkpoints
from nnz.text.datasets import load_dataset

from ..bounds.compare import Measurement, compare
from ..checks.backend_under_test import Array, Subject, Wrong
from ..checks.error_bounds import OPTIMIZERS
from ..checks.held_step import held_step
from ..checks.training import BATCH, DECAY, RATE, SEED, SIZES, STEPS, promised, trajectory
from ..checks.use import TOKENS, decided
from ..levels import STRICT, Check
from ..strict import training as strict_training
from .protocol import PARAMETERS

SEEN = (1, 2, 3, 10, 50, STEPS)  # the steps that are looked at, each from the state that the step before it left
SETTINGS = {**OPTIMIZERS["AdamW"][2], "weight_decay": DECAY}
Measured = Iterator[list[Measurement]]


def single_steps(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The program's loop, ended after more and more steps: what each did to weights and moments."""
    zeros = {f"{moment}.{name}": np.zeros_like(p) for moment in "mv" for name, p in _start(dtype).items()}
    trained = {0: ({**_start(dtype), **zeros}, np.zeros(0))}
    for t in SEEN:
        trained |= {end: _trained(subject, dtype, end) for end in (t - 1, t) if end not in trained}
        (before, _), (after, losses) = trained[t - 1], trained[t]
        batch = _inputs()[t - 1], _targets()[t - 1]
        yield held_step(before, after, losses[-1:], batch, t, _rates()[t - 1], dtype, SETTINGS)


def nine_decimals(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """All losses and the final weights, as a log prints them."""
    (state, losses), (expected, weights) = _trained(subject, dtype, STEPS), trajectory()
    yield [promised("losses", losses, expected[:STEPS])]
    yield [promised(name, state[name], p) for name, p in weights.items()]


def tokens(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The oracle's tokens, with no one near the edge between two."""
    tokenizer = load_dataset("names").tokenizer
    weights, seed, expected = decided(rng, dtype, tokenizer)
    context = np.full(weights["fc1.weight"].shape[1] // weights["wte"].shape[1], tokenizer.delimiter)
    settings = {"seed": str(seed), "count": TOKENS, "temperature": 1.0, "top_k": 0}
    drawn = _call(subject, "sampling", dtype, {**weights, "context": context}, **settings)["tokens"]
    yield [compare("tokens", drawn.astype(dtype), expected, np.zeros(TOKENS), dtype)]


def one_step_on(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """A checkpoint of the project, read, trained on for a step, and written so that the project reads it."""
    t = 7
    before = {name: rng.normal(0, 0.5, p.shape).astype(dtype) for name, p in _start(dtype).items()}
    before |= {f"m.{name}": rng.normal(0, 0.1, p.shape).astype(dtype) for name, p in _start(dtype).items()}
    before |= {f"v.{name}": rng.uniform(0.01, 0.1, p.shape).astype(dtype) for name, p in _start(dtype).items()}
    batch = _inputs()[t], _targets()[t]
    with tempfile.TemporaryDirectory() as folder:
        load, save = (Path(folder) / f"{word}.safetensors" for word in ("load", "save"))
        given = _checkpoint(before, dtype, t)
        checkpoints.save(load, given)
        arrays = {"inputs": batch[0], "targets": batch[1]}
        loss = _call(subject, "checkpoint", dtype, arrays, load=str(load), save=str(save), lr=RATE, **SETTINGS)["loss"]
        try:
            found = checkpoints.load(save)
        except (OSError, ValueError) as error:
            raise Wrong(f"what it saved is no checkpoint: {error}") from error
    if (found.t, found.step, found.recipe) != (t + 1, t + 1, given.recipe):
        raise Wrong(f"it saved t = {found.t}, step = {found.step} or another recipe; both should be {t + 1}")
    yield held_step(before, {**found.parameters, **found.optimizer}, loss[None], batch, t + 1, RATE, dtype, SETTINGS)


PROGRAM_CHECKS = (
    Check("training", "single steps", single_steps),
    Check("training", "nine decimals", nine_decimals, ("float64",)),
    Check("sampling", "the oracle's tokens", tokens),
    Check("checkpoint", "one step on", one_step_on),
    Check("training", "its own loop", strict_training.its_own_loop, (STRICT,)),
)


def _call(subject: Subject, function: str, dtype: str, arrays: dict[str, Array], **settings: Any) -> dict[str, Array]:
    return subject.call(subject.find("program.call"), function, dtype, arrays, **settings)


def _trained(subject: Subject, dtype: str, steps: int) -> tuple[dict[str, Array], Array]:
    """Weights and moments after the first steps, and the loss before each. Raises Wrong if no step can follow them."""
    batches = {"inputs": _inputs()[:steps], "targets": _targets()[:steps], "lr": _rates()[:steps]}
    state = _call(subject, "training", dtype, {**_start(dtype), **batches}, **SETTINGS)
    losses = state.pop("losses")
    if losses.shape != (steps,):
        raise Wrong(f"losses have the shape {losses.shape} after {steps} steps")
    for name, array in state.items():
        shape = _start(dtype)[name.removeprefix("m.").removeprefix("v.")].shape
        if array.shape != shape:
            raise Wrong(f"{name} has the shape {array.shape}, not {shape}")
        if not np.isfinite(array).all() or (name.startswith("v.") and array.min() < 0):
            raise Wrong(
                f"{name} holds what no step leaves: it is not finite, or negative where it is a mean of squares"
            )
    return state, losses


def _start(dtype: str) -> dict[str, Array]:
    return initial.mlp_parameters(initial.mlp_shapes(*(SIZES[k] for k in "VTEH")), RNG(SEED), dtype)


@cache
def _batches() -> tuple[tuple[Array, Array], ...]:
    data = load_dataset("names").train
    return tuple(data.batches(context_length=SIZES["T"], batch_size=BATCH, steps=STEPS))


def _inputs() -> Array:
    return np.stack([inputs for inputs, _ in _batches()])  # (S, B, T)


def _targets() -> Array:
    return np.stack([targets for _, targets in _batches()])  # (S, B)


def _rates() -> Array:
    return np.array([SCHEDULES["cosine"](RATE, step, STEPS) for step in range(STEPS)])


def _checkpoint(arrays: Mapping[str, Array], dtype: str, t: int) -> checkpoints.Checkpoint:
    """A checkpoint at step t that has these weights and moments."""
    recipe = Recipe(name="conformance")
    sizes = {"context_length": SIZES["T"], "embedding_size": SIZES["E"], "hidden_size": SIZES["H"], "dtype": dtype}
    for key, value in sizes.items():
        recipe = recipe.override(f"model.{key}", value)
    parameters = {name: arrays[name] for name in PARAMETERS}
    moments = {name: a for name, a in arrays.items() if name not in PARAMETERS}
    tokenizer = load_dataset("names").tokenizer
    return checkpoints.Checkpoint(
        recipe=recipe,
        tokenizer=tokenizer,
        backend="conformance",
        step=t,
        parameters=parameters,
        optimizer=moments,
        t=t,
        val_loss=2.5,
    )
