"""How many threads a backend takes, where it is told and where it is not."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from nnz.backend import registry

ROOT = Path(__file__).resolve().parents[2]


def taken(module, monkeypatch, **settings):
    """The numbers of threads that the registry sets in a backend of that name."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr(registry.os, "environ", registry.os.environ | settings.pop("environ", {}))
    numbers = []
    nn = SimpleNamespace(__name__=module, MLP=None, devices=lambda: ("cpu",), set_threads=numbers.append)
    registry.choose_device(nn, **settings)
    return numbers


@pytest.mark.parametrize("module", ["nnz.numpy", "nnz.torch"])
def test_numpy_and_torch_train_a_small_model_on_one_thread_unless_told_otherwise(module, monkeypatch):
    assert taken(module, monkeypatch) == [1]
    assert taken(module, monkeypatch, threads=3) == [3]
    assert taken(module, monkeypatch, large=True) == []
    assert taken(module, monkeypatch, environ={"OMP_NUM_THREADS": "2"}) == []


def test_c_chooses_itself_unless_told_otherwise(monkeypatch):
    assert taken("nnz.c", monkeypatch) == []
    assert taken("nnz.c", monkeypatch, threads=2) == [2]


def test_each_part_of_a_loop_is_done_once_whoever_calls(tmp_path):
    program, sources = tmp_path / "shared_loops", ("tests/support/c/shared_loops.c", "mlp_c/fast/threads.c")
    flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O1", "-pthread"]
    subprocess.run(["cc", *flags, *(ROOT / source for source in sources), "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "40000 loops of 2 callers: each part once\n")
