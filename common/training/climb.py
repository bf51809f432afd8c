"""The ladder climbed: every rung trained on the same data from the same seed, and what each brought at what cost."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ..files.terminal import note
from ..recipes.recipe import Recipe, load
from ..runs.checkpoints import on_host
from .run import Run

# recipe -> the idea that it adds to the one before
IDEAS = {
    "bigram-counts": "count which token follows which",
    "bigram": "the same table, learned by gradient descent",
    "namegen": "three tokens, each a vector, and a hidden layer",
    "mlp-batchnorm": "normalise the hidden layer, scale the start",
    "residual": "eight hidden layers, and a way around each",
    "wavenet": "eight tokens, fused in pairs, neighbours first",
}


@dataclass(frozen=True)
class Rung:
    """A rung as it came out: losses in nats a token, and seconds from the first step to the last picture."""

    name: str
    parameters: int
    steps: int
    val_loss: float
    test_loss: float
    seconds: float


def recipes(data: str | None = None, steps: int | None = None, seed: int | None = None) -> list[Recipe]:
    """The recipes of the rungs, lowest first, changed as asked; what is counted takes no steps. Raises UsageError."""
    changed = []
    for name in IDEAS:
        recipe = load(name)
        counted = recipe.optimizer.name == "none"
        for key, value in {
            "data.name": data,
            "train.steps": None if counted else steps,
            "train.seed": seed,
        }.items():
            recipe = recipe if value is None else recipe.override(key, value)
        changed.append(recipe)
    return changed


def climb(recipe: Recipe, backend: str, out: Path, threads: int | None = None) -> Rung:
    """Train one rung into the folder `out`; what it prints goes to stderr. Raises what `Run` and `Run.train` raise."""
    run = Run(recipe, backend, out, threads=threads)
    note(f"{recipe.name}: {IDEAS[recipe.name]}")
    began = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        run.train()
    seconds = time.perf_counter() - began
    count = sum(p.size for p in on_host(run.trainer.model.parameters()).values())
    test_loss = float(run.trainer.watcher.statistics.arrays["test_loss"])
    return Rung(recipe.name, count, recipe.train.steps, run.trainer.val_loss, test_loss, seconds)


def table(rungs: list[Rung], with_time: bool) -> str:
    """The rungs as a table in Markdown; the time varies from run to run, and stands in it only where asked for."""
    head = ["rung", "what it adds", "parameters", "steps", "val_loss", "gain", "test_loss"]
    rows = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for below, rung in zip([None, *rungs], rungs, strict=False):
        gain = "" if below is None else f"{below.val_loss - rung.val_loss:+.4f}"
        losses = [f"{rung.val_loss:.4f}", gain, f"{rung.test_loss:.4f}"]
        rows.append([f"`{rung.name}`", IDEAS[rung.name], f"{rung.parameters:,}", f"{rung.steps:,}", *losses])
    if with_time:
        for row, cell in zip(rows, ["seconds", "---:", *(f"{rung.seconds:.1f}" for rung in rungs)], strict=True):
            row.append(cell)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
