"""A recipe on every backend and in the C program, and what they leave, to be compared by byte."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from nnz.backend import registry
from support.built_program import ROOT, built

NAMES = ROOT / "common" / "data" / "names"
RUNNERS = (*registry.names(), "build/mlp")
FLOAT64, STRICT = ("--dtype", "float64"), ("--precision", "strict")
SMALL_GPT = (  # GPT-2's shape: GELU, biases, a tied head; with dropout
    *("--set", "model.shape=gpt2", "--set", "model.context_length=16", "--set", "model.n_layer=2"),
    *("--set", "model.n_head=4", "--set", "model.n_embd=32", "--set", "model.dropout=0.1"),
    *("--set", "sample.tokens=40", "--set", "train.eval_batches=10"),
)


@dataclass(frozen=True)
class Outcome:
    """What one runner printed and wrote."""

    stdout: bytes
    log: bytes
    samples: bytes


def run(
    runner: str,
    folder: Path,
    steps: int,
    data: Path = NAMES,
    how: tuple[str, ...] = FLOAT64,
    env: dict | None = None,
    recipe: str = "names",
) -> Outcome:
    """Train for `steps` steps and return what is left of it; `env` is added. Raises CalledProcessError."""
    flags = ["--data", str(data), *how, "--steps", str(steps), "--out", str(folder)]
    model = [] if recipe == "names" else ["--model", "gpt"]
    command = [str(built()), *model] if runner == "build/mlp" else [sys.executable, "-m", "nnz", "train", recipe]
    command += [] if runner == "build/mlp" else ["--backend", runner]
    stdout = subprocess.run(
        command + flags, check=True, stdout=subprocess.PIPE, env={**os.environ, **(env or {})}
    ).stdout
    return Outcome(stdout, (folder / "log.csv").read_bytes(), (folder / "samples.txt").read_bytes())
