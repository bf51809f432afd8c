"""What only a program is asked: its own training loop, its own sampling, and its reading and writing of checkpoints."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnz.runs import checkpoints
from nnz.runs.choice import Choice
from nnz.text.datasets import load_dataset

from ..bounds import derived as bounds
from ..bounds.compare import Measurement, compare
from ..checks.backend_under_test import Array, BackendUnderTest, Wrong
from ..checks.checkpoint import recipe_of
from ..checks.ops import Measured
from ..checks.sampling import NAMES, TOKENS, unambiguous_sample
from ..checks.training import RUN, compare_nine_decimals, trajectory
from ..levels import STRICT, Check
from ..oracle import mlp as oracle
from ..oracle import ops as oracle_ops
from ..strict import training as strict_training
from .protocol import PARAMETERS

STEPS = (1, 2, 3, 10, 50, RUN.steps)  # the steps that are checked, each from the state after the step before it
WAYS = (
    (NAMES, 1.0, 0),
    (NAMES, 0.0, 0),
    (NAMES, 0.3, 0),
    (NAMES, 9.0, 0),
    (200, 20.0, 0),
    (90, 1.0, 41),
    (200, 4.0, 100),
)
SETTINGS = {**bounds.OPTIMIZERS["AdamW"][2], "weight_decay": RUN.decay}


def single_steps(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The program's loop, stopped after each of STEPS: how that step changed weights and moments."""
    (inputs, targets, rates), start = RUN.stacked, RUN.start(dtype)
    zeros = {f"{moment}.{name}": np.zeros_like(p) for moment in "mv" for name, p in start.items()}
    trained = {0: ({**start, **zeros}, np.zeros(0))}
    for t in STEPS:
        trained |= {end: _trained(backend, dtype, end) for end in (t - 1, t) if end not in trained}
        (before, _), (after, losses) = trained[t - 1], trained[t]
        batch = inputs[t - 1], targets[t - 1]
        yield compare_step(before, after, losses[-1:], batch, t, rates[t - 1], dtype)


def nine_decimals(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """All losses and the final weights, to nine decimals."""
    (state, losses), (expected, weights) = _trained(backend, dtype, RUN.steps), trajectory()
    yield [compare_nine_decimals("losses", losses, expected[: RUN.steps])]
    yield [compare_nine_decimals(name, state[name], p) for name, p in weights.items()]


def tokens(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The oracle's tokens at many temperatures and top-ks, where no rounding error can change a token."""
    for V, temperature, top_k in (*WAYS, (NAMES, float(rng.uniform(0.2, 5)), int(rng.integers(2, NAMES)))):
        choice = Choice(temperature, top_k)
        weights, seed, expected = unambiguous_sample(rng, dtype, V, choice)
        context = np.zeros(weights["fc1.weight"].shape[1] // weights["wte"].shape[1], np.int32)
        settings = {"seed": str(seed), "count": TOKENS, "temperature": temperature, "top_k": top_k}
        drawn = _call(backend, "sampling", dtype, {**weights, "context": context}, **settings)["tokens"]
        yield [
            compare(
                f"tokens at temperature {temperature:g}, top-k {top_k}",
                drawn.astype(dtype),
                expected,
                np.zeros(TOKENS),
                dtype,
            )
        ]


def one_step_on(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """A checkpoint of the project is read, trained for one more step, and written so that the project can read it."""
    t, (inputs, targets, _), start = 7, RUN.stacked, RUN.start(dtype)
    before = {name: rng.normal(0, 0.5, p.shape).astype(dtype) for name, p in start.items()}
    before |= {f"m.{name}": rng.normal(0, 0.1, p.shape).astype(dtype) for name, p in start.items()}
    before |= {f"v.{name}": rng.uniform(0.01, 0.1, p.shape).astype(dtype) for name, p in start.items()}
    batch = inputs[t], targets[t]
    with tempfile.TemporaryDirectory() as folder:
        load, save = (Path(folder) / f"{word}.safetensors" for word in ("load", "save"))
        given = _checkpoint(before, dtype, t)
        checkpoints.save(load, given)
        arrays = {"inputs": batch[0], "targets": batch[1]}
        loss = _call(backend, "checkpoint", dtype, arrays, load=str(load), save=str(save), lr=RUN.rate, **SETTINGS)[
            "loss"
        ]
        try:
            found = checkpoints.load(save)
        except (OSError, ValueError) as error:
            raise Wrong(f"what it saved is not a checkpoint: {error}") from error
    if (found.t, found.step, found.recipe) != (t + 1, t + 1, given.recipe):
        raise Wrong(f"it saved t = {found.t}, step = {found.step} or another recipe; both should be {t + 1}")
    yield compare_step(before, {**found.parameters, **found.optimizer}, loss[None], batch, t + 1, RUN.rate, dtype)


PROGRAM_CHECKS = (
    Check("training", "single steps", single_steps),
    Check("training", "nine decimals", nine_decimals, ("float64",)),
    Check("sampling", "the oracle's tokens", tokens),
    Check("checkpoint", "one step on", one_step_on),
    Check("training", "its own loop", strict_training.its_own_loop, (STRICT,)),
)


def _call(
    backend: BackendUnderTest, function: str, dtype: str, arrays: dict[str, Array], **settings: Any
) -> dict[str, Array]:
    return backend.call(backend.find("program.call"), function, dtype, arrays, **settings)


def compare_step(
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    loss: Array,
    batch: tuple[Array, Array],
    t: int,
    lr: float,
    dtype: str,
) -> list[Measurement]:
    """One step from a known state: the loss (1,) before it, and weights and moments (`m.`, `v.` + name) after it.

    The gradient is not known, so its bound enters the bounds of p, m and v. For these only T1 is used: where a gradient
    is smaller than its own rounding error, AdamW makes of that error a step of any size up to lr.
    """
    weights = {name: p for name, p in before.items() if name[:2] not in ("m.", "v.")}
    values, limits = oracle.mlp(weights, *batch), bounds.mlp_bounds(weights, *batch, dtype)
    found = [compare("loss", loss, values["loss"][None], limits["loss"][None], dtype)]
    for name in weights:
        state = {"p": before[name], "m": before[f"m.{name}"], "v": before[f"v.{name}"]}
        arguments = {**state, "g": values[f"d{name}"], "t": t, "lr": lr, **SETTINGS}
        allowed = bounds.op_bounds("adamw_step", {**arguments, "g_error": limits[f"d{name}"]}, dtype)
        expected = oracle_ops.outputs("adamw_step", arguments)
        for key, label in (("p", name), ("m", f"m.{name}"), ("v", f"v.{name}")):
            found.append(compare(label, after[label], expected[key], allowed[key], dtype).by_t1_alone())
    return found


def _trained(backend: BackendUnderTest, dtype: str, steps: int) -> tuple[dict[str, Array], Array]:
    """Weights and moments after the first steps, and the loss before each. Raises Wrong if these cannot be right."""
    (inputs, targets, rates), start = RUN.stacked, RUN.start(dtype)
    batches = {"inputs": inputs[:steps], "targets": targets[:steps], "lr": rates[:steps]}
    state = _call(backend, "training", dtype, {**start, **batches}, **SETTINGS)
    losses = state.pop("losses")
    if losses.shape != (steps,):
        raise Wrong(f"losses have the shape {losses.shape} after {steps} steps")
    for name, array in state.items():
        shape = start[name.removeprefix("m.").removeprefix("v.")].shape
        if array.shape != shape:
            raise Wrong(f"{name} has the shape {array.shape}, not {shape}")
        if not np.isfinite(array).all() or (name.startswith("v.") and array.min() < 0):
            raise Wrong(f"{name} has a value that is not finite, or a mean of squares that is negative")
    return state, losses


def _checkpoint(arrays: Mapping[str, Array], dtype: str, t: int) -> checkpoints.Checkpoint:
    """A checkpoint at step t that has these weights and moments."""
    parameters = {name: arrays[name] for name in PARAMETERS}
    moments = {name: a for name, a in arrays.items() if name not in PARAMETERS}
    return checkpoints.Checkpoint(
        recipe=recipe_of(RUN.sizes, dtype),
        tokenizer=load_dataset("names").tokenizer,
        backend="conformance",
        step=t,
        parameters=parameters,
        optimizer=moments,
        t=t,
        val_loss=2.5,
    )
