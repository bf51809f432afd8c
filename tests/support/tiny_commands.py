"""The tiny recipe as commands, for each backend and for build/mlp, and what their runs leave behind."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from nnz.backend import registry
from nnz.recipes.models import MODELS
from nnz.recipes.recipe import Recipe
from nnz.runs import checkpoints
from support.built_program import built

PROGRAM = "build/mlp"
RUNNERS = (*registry.names(), PROGRAM)
FILES = ("log.csv", "samples.txt", "checkpoint.safetensors", "best.safetensors")
FIXED = {  # settings of which build/mlp knows one value, or none
    *("data.name", "data.min_count", "sample.top_p", "model.attention"),
    *("model.hidden_layers", "model.skips", "model.batch_norm", "model.smoothing"),
    *("train.backend", "train.init", "train.parts", "train.autocast", "train.compile", "train.deterministic"),
}


def words(runner: str, recipe: Recipe, out: Path, *more: str) -> list[str]:
    """The command that trains the recipe into `out`."""
    if runner == PROGRAM:
        has, command = MODELS[recipe.model.kind].has, [str(built()), "--data", recipe.data.name, "--out", str(out)]
        for section, key, value in recipe.items():
            if (name := f"{section}.{key}") not in FIXED and has(name):
                command += ["--set", f"{name}={str(list(value) if isinstance(value, tuple) else value).lower()}"]
        return [*command, *more]
    file = out.with_name(f"{recipe.name}.toml")
    file.write_text(recipe.to_toml(), encoding="utf-8")
    train = ["train", str(file), "--backend", runner, "--threads", "1", "--out", str(out)]
    return [sys.executable, "-m", "nnz", *train, *more]


def run_program(recipe: Recipe, out: Path | str, *more: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Train it by build/mlp, well or not."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.run(words(PROGRAM, recipe, out, *more), check=False, **pipes | options)


def refused(done: subprocess.CompletedProcess[str], message: str) -> None:
    """Hold that it could not be done, and that one line says why; notes may come before it."""
    told = [line for line in done.stderr.splitlines() if line.startswith("mlp: ")]
    assert (done.returncode, len(told)) == (1, 1), done
    assert message in done.stderr.splitlines()[-1]


def start(runner: str, recipe: Recipe, out: Path, *more: str) -> subprocess.Popen[str]:
    """Start that command."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words(runner, recipe, out, *more), **pipes)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait until it is done, and well; return its stdout."""
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out


def stop_after(process: subprocess.Popen[str], lines: int, how: signal.Signals) -> str:
    """Send the signal once so many lines were printed; return stderr."""
    for _ in range(lines):
        process.stdout.readline()
    process.send_signal(how)
    return process.communicate(timeout=60)[1]


def stop_within(process: subprocess.Popen[str], seconds: float, how: signal.Signals) -> tuple[int, str]:
    """Send the signal at a random moment of so many seconds; return the exit code, and stderr."""
    try:
        error = process.communicate(timeout=random.uniform(0, seconds))[1]
    except subprocess.TimeoutExpired:
        process.send_signal(how)
        error = process.communicate(timeout=60)[1]
    return process.returncode, error


def content(folder: Path) -> dict[str, object]:
    """What a run leaves behind, whoever wrote it: log, samples, and all of both checkpoints but names and recipes."""
    kept: dict[str, object] = {name: (folder / name).read_bytes() for name in FILES[:2]}
    for name in FILES[2:]:
        found = checkpoints.load(folder / name)
        arrays = found.parameters | found.optimizer
        kept[name] = {k: (a.dtype, a.shape, a.tobytes()) for k, a in arrays.items()}
        kept[f"{name}, metadata"] = (
            found.step,
            found.t,
            found.val_loss,
            found.best_val_loss,
            found.data,
            found.printed,
        )
    return kept
