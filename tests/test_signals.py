"""Ctrl-C, SIGTERM and SIGKILL: what they leave behind is resumed to the same bytes."""

import random
import signal
import subprocess
import sys
import threading

import pytest
from tiny_runs import BUILT, data_folder, tiny_recipe, train

from nnz import backends, checkpoints
from nnz.interruption import StopSignals


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


def test_the_first_signal_asks_and_the_second_stops_at_once():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopSignals() as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_run_on_another_thread_leaves_the_signals_alone(data, tmp_path):
    thread = threading.Thread(target=train, args=(tiny_recipe(data), tmp_path))
    thread.start()
    thread.join()
    assert (tmp_path / "samples.txt").exists()


FILES = ("log.csv", "samples.txt", "checkpoint.safetensors", "best.safetensors")
CASES = [(name, how) for name in backends.names() for how in ("SIGINT", "SIGKILL")] + [("numpy", "SIGTERM")]


def command(recipe_file, out, backend, *more):
    words = ["train", str(recipe_file), "--backend", backend, "--threads", "1", "--out", str(out), *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", "nnz", *words], **pipes)


@pytest.mark.parametrize(("backend", "how"), CASES)
def test_a_command_stopped_by_a_signal_is_resumed_to_the_same_bytes(data, tmp_path, backend, how):
    if backend not in BUILT:
        pytest.skip(f"backend {backend} is not there")
    settings = tiny_recipe(data, steps=1500, train__eval_every=50, model__hidden_size=64)
    (tmp_path / "tiny.toml").write_text(settings.to_toml(), encoding="utf-8")
    run, expected = tmp_path / "run", tmp_path / "expected"
    uninterrupted = command(tmp_path / "tiny.toml", expected, backend)
    process = command(tmp_path / "tiny.toml", run, backend)
    for _ in range(random.randrange(1, 8)):
        process.stdout.readline()
    process.send_signal(getattr(signal, how))
    _, error = process.communicate(timeout=60)
    if how == "SIGKILL":
        assert process.returncode == -signal.SIGKILL, error
    else:
        assert process.returncode == 1, error
        step = checkpoints.load(run / "checkpoint.safetensors").step
        assert error == f"nnz: stopped at step {step}; the same command with --resume goes on in {run}\n"

    for process in (uninterrupted, command(tmp_path / "tiny.toml", run, backend, "--resume")):
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
    for name in FILES:
        assert (run / name).read_bytes() == (expected / name).read_bytes(), name
