"""The recipe `names` on every backend and in the C program, and what they leave, to be compared by byte."""

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


@dataclass(frozen=True)
class Outcome:
    """What one runner printed and wrote."""

    stdout: bytes
    log: bytes
    samples: bytes


def run(
    runner: str, folder: Path, steps: int, data: Path = NAMES, how: tuple[str, ...] = FLOAT64, env: dict | None = None
) -> Outcome:
    """Train for `steps` steps and return what is left of it; `env` is added. Raises CalledProcessError."""
    flags = ["--data", str(data), *how, "--steps", str(steps), "--out", str(folder)]
    command = [str(built())] if runner == "build/mlp" else [sys.executable, "-m", "nnz", "train", "names"]
    command += [] if runner == "build/mlp" else ["--backend", runner]
    stdout = subprocess.run(
        command + flags, check=True, stdout=subprocess.PIPE, env={**os.environ, **(env or {})}
    ).stdout
    return Outcome(stdout, (folder / "log.csv").read_bytes(), (folder / "samples.txt").read_bytes())
