"""Two processes on loopback that train one GPT: as one process would, and without a worker they end cleanly."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import data_folder, train

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("torchrun")]
HERE = Path(__file__).resolve().parent
FILES = ("log.csv", "samples.txt", "checkpoint.safetensors", "best.safetensors")
GRADIENTS = """
import sys
import numpy as np
import torch.distributed
sys.path[:0] = {tests!r}
from pathlib import Path
from test_gpt_training import batch, gradients
from support.tiny_gpt import tiny_gpt
loss, found = gradients(tiny_gpt(Path("unused"), model__dropout=0.0))
arrays = {{name: g.numpy() for name, g in found.items()}}
np.savez({out!r} + f"{{torch.distributed.get_rank()}}.npz", loss=loss, **arrays)
torch.distributed.destroy_process_group()
"""
APART = """
import os
import sys
from nnz.commands.main import main
seed = 1 + int(os.environ["RANK"])
sys.exit(main([*sys.argv[1:], "--seed", str(seed)]))
"""


def torchrun(*words):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )


def finished(process):
    out, error = process.communicate(timeout=240)
    assert process.returncode == 0, error
    return out


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


def test_their_gradients_are_those_of_one_process_on_the_joined_batch(tmp_path):
    from test_gpt_training import gradients

    script = tmp_path / "gradients.py"
    script.write_text(GRADIENTS.format(tests=[str(HERE), str(HERE.parent)], out=f"{tmp_path}/"), encoding="utf-8")
    finished(torchrun(script))
    loss, expected = gradients(tiny_gpt(tmp_path, model__dropout=0.0))
    for rank in (0, 1):
        found = np.load(tmp_path / f"{rank}.npz")
        assert float(found["loss"]) == pytest.approx(loss, rel=1e-12)
        for name, g in expected.items():
            assert np.abs(found[name] - g.numpy()).max() <= 1e-12 * g.abs().max(), name


def test_they_train_as_one_process_does_in_two_parts_dropout_and_all(data, tmp_path):
    recipe = tiny_gpt(data, steps=40)
    (tmp_path / "tiny.toml").write_text(recipe.to_toml(), encoding="utf-8")
    out = finished(torchrun("-m", "nnz", "train", tmp_path / "tiny.toml", "--threads", 1, "--out", tmp_path / "two"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    train(recipe.override("train.parts", 2), tmp_path / "one", "torch")
    torch.set_num_threads(threads)
    for name in ("log.csv", "samples.txt"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name
    assert out.count("step ") == 9  # one of them writes


def test_a_lost_worker_ends_the_run_and_it_resumes_as_if_nothing_had_been(data, tmp_path):
    recipe = tiny_gpt(data, steps=400, train__eval_every=20)
    (tmp_path / "tiny.toml").write_text(recipe.to_toml(), encoding="utf-8")
    words = ("-m", "nnz", "train", tmp_path / "tiny.toml", "--threads", 1, "--out")
    process = torchrun(*words, tmp_path / "lost")
    for _ in range(3):
        assert process.stdout.readline().startswith("step ")
    os.kill(_second_worker(process.pid), signal.SIGKILL)
    _, error = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "a worker was lost" in error
    assert "the same command with --resume continues" in error
    assert error.count("nnz: ") == 1
    finished(torchrun(*words, tmp_path / "lost", "--resume"))
    finished(torchrun(*words, tmp_path / "whole"))
    for name in FILES:
        assert (tmp_path / "lost" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_both_stop_together_when_asked(data, tmp_path):
    recipe = tiny_gpt(data, steps=3000, train__eval_every=50)
    (tmp_path / "tiny.toml").write_text(recipe.to_toml(), encoding="utf-8")
    process = torchrun("-m", "nnz", "train", tmp_path / "tiny.toml", "--threads", 1, "--out", tmp_path / "run")
    assert process.stdout.readline().startswith("step ")
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert "stopped at step" in error
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def _second_worker(parent):
    """The process id of the worker of rank 1."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[1]) == parent and b"RANK=1" in environment:
                return int(pid)
    raise AssertionError("no second worker")


def test_workers_that_do_not_start_alike_are_refused_and_a_former_run_stays(data, tmp_path):
    run = train(tiny_gpt(data, steps=5), tmp_path / "run", "torch")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    (tmp_path / "tiny.toml").write_text(tiny_gpt(data, steps=20).to_toml(), encoding="utf-8")
    script = tmp_path / "apart.py"
    script.write_text(APART, encoding="utf-8")
    process = torchrun(script, "train", tmp_path / "tiny.toml", "--threads", 1, "--out", tmp_path / "run")
    out, error = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "step " not in out
    assert error.count("the workers do not start alike") == 1
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_finished_run_is_shown_once_and_only_a_gpt_has_workers(data, tmp_path):
    (tmp_path / "tiny.toml").write_text(tiny_gpt(data, steps=5).to_toml(), encoding="utf-8")
    words = ("-m", "nnz", "train", tmp_path / "tiny.toml", "--threads", 1, "--out", tmp_path / "run")
    first = finished(torchrun(*words))
    assert finished(torchrun(*words)) == first
    process = torchrun("-m", "nnz", "train", "names", "--out", tmp_path / "names")
    _, error = process.communicate(timeout=120)
    assert "torchrun works only for a gpt; train names with nnz train" in error
    assert error.count("nnz: ") == 1  # the other worker leaves it to the first
    assert not (tmp_path / "names").exists()
