"""What the tests run of what make builds, build/mlp above all: built once, whichever worker needs it first."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
OTHERS = {"build/mlp": "MLP_PROGRAM", "build/asan/mlp-failing": "MLP_FAILING"}  # variables that name another build


def built(target: str = "build/mlp") -> Path:
    """The path of what `make TARGET` builds; skips the test if it is not there and cannot be built."""
    if other := os.environ.get(OTHERS.get(target, "")):
        return Path(other).resolve()
    if not (shutil.which("make") and shutil.which(os.environ.get("CC", "cc"))):
        if not (ROOT / target).exists():
            pytest.skip(f"{target} is not there, and it cannot be built without make and a C compiler")
        return ROOT / target
    return make(target)


@cache
def make(target: str, folder: Path = ROOT) -> Path:
    """Run `make TARGET` in the folder, while no other process does so. Make leaves alone what is up to date."""
    (folder / "build").mkdir(exist_ok=True)
    with FileLock(folder / "build" / "lock"):
        done = subprocess.run(["make", "--silent", target], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / target


def conformance(program: Path | str, *words: Path | str) -> subprocess.CompletedProcess[str]:
    """Run `program conformance ...`."""
    command = [str(program), "conformance", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
