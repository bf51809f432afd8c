"""build/mlp, made by make where it is not there or not up to date."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def built() -> Path:
    """The path of build/mlp, or of the build that MLP_PROGRAM names; skips the test where there is none to be had."""
    if "MLP_PROGRAM" in os.environ:
        return Path(os.environ["MLP_PROGRAM"]).resolve()
    if not (shutil.which("make") and shutil.which(os.environ.get("CC", "cc"))):
        if not (ROOT / "build" / "mlp").exists():
            pytest.skip("build/mlp is not there, and without make and a C compiler it cannot be made")
        return ROOT / "build" / "mlp"
    return _made()


@cache
def _made() -> Path:
    done = subprocess.run(["make", "--silent", "build/mlp"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ROOT / "build" / "mlp"


def conformance(program: Path | str, *words: Path | str) -> subprocess.CompletedProcess[str]:
    """Run `program conformance ...`."""
    command = [str(program), "conformance", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
