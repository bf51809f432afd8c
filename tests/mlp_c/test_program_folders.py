"""Folders that build/mlp cannot run in, or leaves as they are, and what it leaves where it is stopped."""

import fcntl
import os
import signal
import subprocess
import time

import pytest
from support.tiny_commands import PROGRAM, refused, words
from support.tiny_commands import run_program as run
from support.tiny_runs import data_folder, nnz, tiny_recipe

from nnz.runs import checkpoints
from nnz.runs.folder import LOG_HEADER, REMEDY

REPLACED = "holds an earlier run; its files are replaced"


@pytest.fixture
def recipe(tmp_path):
    return tiny_recipe(data_folder(tmp_path / "few-names"), steps=3)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/" + "y" * 300, "File name too long; give another path"),
        ("/run".ljust(4000, "/"), "the path given with --out is too long"),
        ("/run" + "/." * 5000, "the path given with --out is too long"),
    ],
    ids=["a name too long", "no room for a file", "no room for itself"],
)
def test_a_path_too_long_for_the_system_is_one_line(recipe, tmp_path, path, message):
    full = f"{tmp_path}{path}"
    refused(run(recipe, full.ljust(4080, "/") if len(path) == 4000 else full), message)


@pytest.mark.parametrize("out", ["file", "file/run", "pipe", "to-file", "to-nothing", "to-itself", "lock-is-a-folder"])
def test_a_folder_that_cannot_be_made_is_told_in_the_words_of_nnz(recipe, tmp_path, capsys, out):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "lock-is-a-folder" / "lock").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe")
    for name, place in (("to-file", "file"), ("to-nothing", "nowhere"), ("to-itself", "to-itself")):
        (tmp_path / name).symlink_to(place)
    (tmp_path / "tiny.toml").write_text(recipe.to_toml())
    code, _, error = nnz(capsys, "train", tmp_path / "tiny.toml", "--backend", "c", "--out", tmp_path / out)
    refused(run(recipe, tmp_path / out), error.splitlines()[-1].removeprefix("nnz: "))
    assert code == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
@pytest.mark.parametrize("name", ["log.csv", "statistics.npz", "best.safetensors"])
def test_what_has_the_name_of_a_file_and_is_none_is_found_before_a_run_is_lost(recipe, tmp_path, capsys, name, make):
    out, words_of_nnz = tmp_path / "run", ("train", tmp_path / "tiny.toml", "--backend", "c", "--out", tmp_path / "run")
    (tmp_path / "tiny.toml").write_text(recipe.to_toml())
    assert run(recipe, out).returncode == 0
    (out / name).unlink(missing_ok=True)
    make(out / name)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    for flag in ("--restart", "--resume"):
        code, printed, error = nnz(capsys, *words_of_nnz, flag)
        assert (code, printed) == (1, "")
        assert error.startswith(f"nnz: {out / name}")
        refused(run(recipe, out, flag), error.removeprefix("nnz: ").rstrip())
        assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


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
    for name in ("checkpoint.safetensors", "best.safetensors", "samples.txt"):
        (tmp_path / "run" / name).unlink()
    done = run(recipe, tmp_path / "run")
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, f"{tmp_path}/run {REPLACED}")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_finished_run_is_shown_again_and_another_one_refused(recipe, tmp_path):
    first = run(recipe, tmp_path / "run")
    kept = files(tmp_path / "run")
    again = run(recipe, tmp_path / "run")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert "here are its results; to train again, add --restart" in again.stderr
    refused(run(recipe.override("train.steps", 4), tmp_path / "run"), f"{tmp_path}/run already holds a run; {REMEDY}")
    train = tmp_path / "few-names" / "train.txt"
    train.write_text(train.read_text() * 2)
    refused(run(recipe, tmp_path / "run"), REMEDY)
    assert files(tmp_path / "run") == kept
    again = run(recipe, tmp_path / "run", "--restart")
    assert (again.returncode, again.stderr.splitlines()[0]) == (0, f"{tmp_path}/run {REPLACED}")


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("text", [b"a", b"", b"\xff"])
def test_a_text_that_cannot_be_trained_on_is_refused_before_a_run_is_lost(recipe, tmp_path, split, text):
    assert run(recipe, tmp_path / "run").returncode == 0
    kept = files(tmp_path / "run")
    (tmp_path / "few-names" / f"{split}.txt").write_bytes(text)
    done = run(recipe, tmp_path / "run", "--restart")
    assert (done.returncode, done.stdout, files(tmp_path / "run")) == (1, "", kept)
    assert run(recipe, tmp_path / "other").returncode == 1
    assert not (tmp_path / "other").exists()


def test_resume_and_restart_together_are_refused(recipe, tmp_path):
    done = run(recipe, tmp_path / "run", "--resume", "--restart")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "give only one of them" in done.stderr


def test_a_run_goes_on_to_more_steps_as_if_it_had_had_them_from_the_start(recipe, tmp_path):
    recipe = recipe.override("optimizer.schedule", "constant")
    longer = recipe.override("train.steps", 9)
    assert run(longer, tmp_path / "longer").returncode == 0
    assert run(recipe, tmp_path / "run").returncode == 0
    done = run(longer, tmp_path / "run", "--resume")
    assert (done.returncode, done.stderr) == (0, f"{tmp_path}/run: going on from step 3\n")
    assert files(tmp_path / "run") == files(tmp_path / "longer")


def test_a_schedule_that_knows_its_end_says_that_it_moved(recipe, tmp_path):
    assert run(recipe, tmp_path / "run").returncode == 0
    done = run(recipe.override("train.steps", 9), tmp_path / "run", "--resume")
    assert "the cosine schedule now ends at step 9, and the learning rate goes on at 0.0075: not" in done.stderr
    refused(run(recipe, tmp_path / "run", "--resume"), "had train.steps = 9, not 3")


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
    refused(run(recipe, tmp_path / "run"), "few-names/val.txt is not a regular file; copy its content into one")


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
    said = f"mlp: stopped at step 0; the same command with --resume continues in {tmp_path}/run"
    assert error.splitlines()[-1] == said
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors").step == 0
    assert (tmp_path / "run" / "log.csv").read_text().count("\n") == 1


@pytest.mark.slow
def test_a_run_is_stopped_within_the_test(recipe, tmp_path):
    (tmp_path / "few-names" / "test.txt").write_text("emma\n" * 2_000_000)
    large = recipe.override("model.hidden_size", 64)
    assert "stopped at step 3" in stopped(large, tmp_path / "run", "samples.txt")
