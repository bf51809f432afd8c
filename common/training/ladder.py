"""Train every rung of the ladder on the same data and seed, and compare what each one gains and costs."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..files.terminal import note
from ..pictures.ladder import Rung
from ..recipes.recipe import Recipe, assignment, load
from ..runs import checkpoints
from ..runs.checkpoints import to_numpy
from ..runs.folder import RunFolder
from .loop import Trainer
from .run import Run, goes_on_from, ready, same_run

TABLE, PICTURE = "ladder.md", "ladder.png"
# recipe -> the idea that it adds to the one before
IDEAS = {
    "bigram-counts": "count which token follows which",
    "bigram": "the same table, learned by gradient descent",
    "namegen": "three tokens, each a vector, and a hidden layer",
    "mlp-batchnorm": "normalise the hidden layer, scale the start",
    "residual": "eight hidden layers, and a way around each",
    "wavenet": "eight tokens, fused in pairs, neighbours first",
    "gpt-names": "attention: each token looks at all before it",
}


def ladder_recipes(
    data: str | None = None, steps: int | None = None, seed: int | None = None, changes: Sequence[str] = ()
) -> list[Recipe]:
    """The recipes of the rungs, lowest first, with these changes; a counted model has no steps. Raises UsageError."""
    changed = []
    for name in IDEAS:
        recipe = load(name)
        for word in changes:
            recipe = recipe.override(*assignment(word))
        counted = recipe.optimizer.name == "none"
        for key, value in {
            "data.name": data,
            "train.steps": None if counted else steps,
            "train.seed": seed,
        }.items():
            recipe = recipe if value is None else recipe.override(key, value)
        changed.append(recipe)
    return changed


def refuse_to_lose(out: Path, recipes: list[Recipe]) -> None:
    """Raises FileExistsError if a rung, or another's file under the name of the table, is in the folder."""
    for recipe in recipes:
        RunFolder(out / recipe.name).refuse_to_lose(restart=False)
    for file in (out / TABLE, out / PICTURE):
        if file.exists():
            raise FileExistsError(f"{file} is there already; replace it with --restart, or give another --out")


def check_rung(recipe: Recipe, backend: str, out: Path, threads: int | None, resume: bool, more_steps: bool) -> None:
    """Raises what `train_rung` would raise: to be called for each of them before the first one is trained."""
    _, dataset, model = ready(recipe, backend, "cpu", threads)
    Trainer(model, None, dataset, recipe).try_step()
    recipe = recipe.override("train.backend", backend)
    if resume and (checkpoint := RunFolder(out).checkpoint).exists():
        if not more_steps:
            same_run(out, recipe)
        goes_on_from(checkpoints.load(checkpoint), recipe, dataset, out)


def train_rung(recipe: Recipe, backend: str, out: Path, threads: int | None, resume: bool, restart: bool) -> Rung:
    """Train one rung into the folder `out`; what it prints goes to stderr. Raises what `Run` and `Run.train` raise."""
    run = Run(recipe, backend, out, resume, threads=threads, restart=restart)
    note(f"{recipe.name}: {IDEAS[recipe.name]}")
    began = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        run.train()
    seconds = time.perf_counter() - began
    count = sum(p.size for p in to_numpy(run.trainer.model.parameters()).values())
    test_loss = float(run.trainer.watcher.statistics.arrays["test_loss"])
    return Rung(recipe.name, count, recipe.train.steps, run.trainer.val_loss, test_loss, seconds)


def markdown_table(rungs: list[Rung], with_time: bool) -> str:
    """The rungs as a table in Markdown. The times vary from run to run, so they are optional."""
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
