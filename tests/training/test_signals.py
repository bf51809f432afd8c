"""Ctrl-C, SIGTERM and SIGKILL: what they leave behind is resumed to the same bytes, by whoever resumes it."""

import random
import signal
import threading
import time

import pytest
from support.tiny_commands import FILES, PROGRAM, RUNNERS, content, finish, start, stop_after, stop_within
from support.tiny_runs import BUILT, tiny_recipe, train

from nnz.files.terminal import StopSignals
from nnz.runs import checkpoints

pytestmark = pytest.mark.slow


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


def longer(data, runner, **settings):
    if runner != PROGRAM and runner not in BUILT:
        pytest.skip(f"backend {runner} is not there")
    return tiny_recipe(data, steps=1500, train__eval_every=50, model__hidden_size=64, **settings)


CASES = [(name, how) for name in RUNNERS for how in ("SIGINT", "SIGKILL")] + [
    ("numpy", "SIGTERM"),
    (PROGRAM, "SIGTERM"),
]


@pytest.mark.parametrize(("runner", "how"), CASES)
def test_a_command_stopped_by_a_signal_is_resumed_to_the_same_bytes(data, tmp_path, runner, how):
    recipe, run, expected = longer(data, runner), tmp_path / "run", tmp_path / "expected"
    uninterrupted, stopped = start(runner, recipe, expected), start(runner, recipe, run)
    error = stop_after(stopped, random.randrange(1, 8), getattr(signal, how))
    if how == "SIGKILL":
        assert stopped.returncode == -signal.SIGKILL, error
    else:
        assert stopped.returncode == 1, error
        step = checkpoints.load(run / "checkpoint.safetensors").step
        who = "mlp" if runner == PROGRAM else "nnz"
        told = [line for line in error.splitlines() if line.startswith(f"{who}: ")]
        other = "" if runner == PROGRAM else f", or: nnz train --resume {run}"
        assert told == [f"{who}: stopped at step {step}; the same command with --resume continues in {run}{other}"]
    finish(uninterrupted)
    finish(start(runner, recipe, run, "--resume"))
    for name in FILES:
        assert (run / name).read_bytes() == (expected / name).read_bytes(), name


PAIRS = [(a, b, "float64") for a in RUNNERS for b in RUNNERS if PROGRAM in (a, b)]


@pytest.mark.parametrize(("first", "second", "dtype"), [*PAIRS, ("c", PROGRAM, "float32"), (PROGRAM, "c", "float32")])
def test_a_run_begun_by_one_is_finished_by_another_to_the_same_bytes(data, tmp_path, first, second, dtype):
    recipe = longer(data, first, model__dtype=dtype)
    longer(data, second)
    whole, stopped = start(second, recipe, tmp_path / "whole"), start(first, recipe, tmp_path / "run")
    assert "stopped at step" in stop_after(stopped, 4, signal.SIGINT)
    finish(whole)
    finish(start(second, recipe, tmp_path / "run", "--resume"))
    ours, expected = content(tmp_path / "run"), content(tmp_path / "whole")
    if {first, second} <= {"c", PROGRAM}:
        assert ours == expected
    for name in FILES[:2]:  # other backends differ in a number's last bits, which no text shows
        assert ours[name] == expected[name], name


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_command_killed_at_random_moments_is_resumed_to_the_same_bytes(data, tmp_path, runner):
    """`make test-kill` does this 200 times."""
    recipe, run, expected = longer(data, runner), tmp_path / "run", tmp_path / "expected"
    began = time.monotonic()
    finish(start(runner, recipe, expected))
    seconds = time.monotonic() - began
    for _ in range(3):
        stop_within(start(runner, recipe, run, "--resume"), seconds, signal.SIGKILL)
    finish(start(runner, recipe, run, "--resume"))
    for name in FILES:
        assert (run / name).read_bytes() == (expected / name).read_bytes(), name
