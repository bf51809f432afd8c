"""The backend in JAX, graded as anyone's is; it is short enough to be read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="JAX is not installed (pip install jax)")

BACKEND = Path(__file__).resolve().parents[2] / "examples" / "jax_backend.py"
QUICKLY = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # compiled


def test_it_has_at_most_150_lines():
    assert len(BACKEND.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.slow
def test_jax_computes_the_mlp_and_the_gpt_within_the_bounds():
    asked = [word for level in ("mlp", "training", "gpt") for word in ("--level", level)]
    command = [sys.executable, "-m", "nnz", "parity", BACKEND, "--quick", "--dtype", "float32", *asked]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"XLA_FLAGS": QUICKLY})
    assert done.returncode == 0, done.stdout
    assert "jax_backend.py: 24 of 24, " in done.stdout.splitlines()[0]


@pytest.mark.slow
def test_jax_writes_the_log_of_numpy(tmp_path):
    logs = []
    for backend in ("jax_backend", "numpy"):
        words = ["--backend", backend, "--dtype", "float64", "--steps", "20", "--out", tmp_path / backend]
        subprocess.run([sys.executable, "-m", "nnz", "train", "names", *words], cwd=BACKEND.parent, check=True)
        logs.append((tmp_path / backend / "log.csv").read_bytes())
    assert logs[0] == logs[1]
