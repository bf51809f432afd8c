"""Folders that build/mlp cannot run in, or leaves as they are, and what it leaves where it is stopped."""

import fcntl
import signal
import subprocess
import time

import pytest
from support.tiny_commands import PROGRAM, refused, words
from support.tiny_commands import run_program as run
from support.tiny_runs import data_folder, tiny_recipe

from nnz.runs import checkpoints
from nnz.runs.folder import LOG_HEADER


@pytest.fixture
def recipe(tmp_path):
    return tiny_recipe(data_folder(tmp_path / "few-names"), steps=3)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/" + "y" * 300, "cannot make the folder"),
        ("/run".ljust(4000, "/"), "the path given with --out is too long"),
        ("/run" + "/." * 5000, "the path given with --out is too long"),
    ],
    ids=["a name too long", "no room for a file", "no room for itself"],
)
def test_a_path_too_long_for_the_system_is_one_line(recipe, tmp_path, path, message):
    full = f"{tmp_path}{path}"
    refused(run(recipe, full.ljust(4080, "/") if len(path) == 4000 else full), message)


def test_data_at_a_path_too_long_is_one_line(recipe, tmp_path):
    refused(run(recipe.override("data.name", "d" * 5000), tmp_path / "run"), "is too long")


@pytest.mark.parametrize("name", ["samples.txt", "log.csv"])
def test_files_that_no_run_wrote_are_left_alone(recipe, tmp_path, name):
    for text in ("mine\n", "step,mine,and,no,log,of,a,run\n"):
        (tmp_path / name).write_text(text)
        done = run(recipe, tmp_path)
        refused(done, f"{name} is there, but no run wrote it; give another folder with --out")
        assert (done.stdout, (tmp_path / name).read_text()) == ("", text)


def test_what_a_run_left_before_its_first_checkpoint_is_replaced(recipe, tmp_path):
    assert run(recipe, tmp_path / "run").returncode == 0
    (tmp_path / "run" / "checkpoint.safetensors").unlink()
    done = run(recipe, tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, f"mlp: {tmp_path}/run holds an earlier run; its files are replaced\n")


def test_a_folder_in_the_place_of_a_file_is_one_line(recipe, tmp_path):
    assert run(recipe, tmp_path / "run").returncode == 0
    (tmp_path / "run" / "samples.txt").unlink()
    (tmp_path / "run" / "samples.txt").mkdir()
    refused(run(recipe, tmp_path / "run"), f"cannot remove {tmp_path}/run/samples.txt: ")


@pytest.mark.parametrize("log", ["", "mine\n", f"{LOG_HEADER}0,1,1,1", f"{LOG_HEADER}0,1,1,1\n4,1,1,1\n"])
def test_a_log_that_is_none_is_not_gone_on_with(recipe, tmp_path, log):
    assert run(recipe, tmp_path / "run").returncode == 0
    (tmp_path / "run" / "log.csv").write_text(log)
    refused(run(recipe, tmp_path / "run", "--resume"), "log.csv lacks lines from before step 3")


def test_a_lock_that_does_not_say_who_holds_it_is_respected(recipe, tmp_path):
    (tmp_path / "run").mkdir()
    with open(tmp_path / "run" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(run(recipe, tmp_path / "run"), "run is in use by another process; wait until it ends")


def test_a_text_that_may_never_end_is_not_begun(recipe, tmp_path):
    (tmp_path / "few-names" / "val.txt").unlink()
    (tmp_path / "few-names" / "val.txt").symlink_to("/dev/zero")
    refused(run(recipe, tmp_path / "run"), "few-names/val.txt: it is not a regular file")


def stopped(recipe, out, after):
    """What it says on being stopped, once that file of its folder is there."""
    with subprocess.Popen(words(PROGRAM, recipe, out), stdout=-1, stderr=-1, text=True) as process:
        while not (out / after).exists():
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    return error


def test_a_run_is_stopped_within_an_evaluation(recipe, tmp_path):
    long = recipe.override("train.evaluation", "batches").override("train.eval_batches", 10**9)
    error = stopped(long, tmp_path / "run", "config.toml")
    assert error == f"mlp: stopped at step 0; the same command with --resume continues in {tmp_path}/run\n"
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors").step == 0
    assert (tmp_path / "run" / "log.csv").read_text().count("\n") == 1


def test_a_run_is_stopped_within_the_test(recipe, tmp_path):
    (tmp_path / "few-names" / "test.txt").write_text("emma\n" * 2_000_000)
    large = recipe.override("model.hidden_size", 64)
    assert "stopped at step 3" in stopped(large, tmp_path / "run", "samples.txt")
