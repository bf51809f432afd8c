"""A fault in each write, fsync, rename and opening of a file: old or new loads, and a resumed run ends the same."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support.faulty import by_command, hold, library, program
from support.tiny_commands import FILES, PROGRAM, finish, start, words
from support.tiny_runs import data_folder, tiny_recipe

TESTS = Path(__file__).resolve().parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="faults are made by LD_PRELOAD and /proc"),
]


@pytest.fixture
def recipe(tmp_path):
    return tiny_recipe(data_folder(tmp_path / "few-names"), steps=5, train__eval_every=3)


EVERY = int(os.environ.get("EVERY_FAULT", "13"))  # make test-faults: 1


def test_whatever_goes_wrong_in_the_program_old_or_new_loads_and_the_run_goes_on(recipe, tmp_path):
    assert hold(recipe, tmp_path, program(recipe), by_command(recipe), EVERY) > 300 / EVERY


def test_whatever_goes_wrong_in_python_old_or_new_loads_and_the_run_goes_on(tmp_path):
    environment = {**os.environ, "LD_PRELOAD": str(library()), "PYTHONPATH": str(TESTS)}  # loaded before all else
    command = [sys.executable, "-m", "support.faulty", str(tmp_path), str(EVERY)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 300 / EVERY


def one_line(runner, error: str) -> str:
    told = [line for line in error.splitlines() if line.startswith("mlp: " if runner == PROGRAM else "nnz: ")]
    assert len(told) == 1, error  # what is in the data is said before it
    return told[0]


def assert_resumed_to_the_same_bytes(runner, recipe, tmp_path) -> None:
    finish(start(runner, recipe, tmp_path / "run", "--resume"))
    finish(start(runner, recipe, tmp_path / "whole"))
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


each_writer = pytest.mark.parametrize("runner", ["numpy", PROGRAM])  # the backends share all that writes


@each_writer
@pytest.mark.parametrize("room", [60, 3000, 9000])  # bytes a file may have: for the header of the log, of a checkpoint
def test_a_file_that_the_system_lets_grow_no_further_is_one_line_and_the_run_goes_on(runner, room, recipe, tmp_path):
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))}
    command = words(runner, recipe, tmp_path / "run")
    done = subprocess.run(command, capture_output=True, text=True, check=False, **limit)
    assert done.returncode == 1
    assert "File too large" in one_line(runner, done.stderr)
    assert_resumed_to_the_same_bytes(runner, recipe, tmp_path)


@each_writer
def test_a_folder_that_vanishes_is_one_line_and_the_run_can_be_had_again(runner, recipe, tmp_path):
    long = recipe.override("train.steps", 100_000)
    process = start(runner, long, tmp_path / "run")
    process.stdout.readline()
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "No such file or directory" in one_line(runner, error)
    assert not (tmp_path / "run").exists()
    assert_resumed_to_the_same_bytes(runner, recipe, tmp_path)


@each_writer
def test_a_folder_that_may_only_be_read_is_one_line(runner, recipe, tmp_path):
    (tmp_path / "run").mkdir()
    done = subprocess.run(
        words(runner, recipe, tmp_path / "run"),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LD_PRELOAD": str(library()), "FAULT_FOLDER": str(tmp_path / "run"), "FAULT": "1 readonly"},
    )
    assert done.returncode == 1
    assert "Read-only file system" in one_line(runner, done.stderr)
    assert list((tmp_path / "run").iterdir()) == []
