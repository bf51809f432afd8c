"""build/mlp among other processes: closed or full files, a small stack, early signals, control characters."""

import os
import re
import resource
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from support.built_program import built
from support.tiny_commands import PROGRAM, refused, words
from support.tiny_commands import run_program as run
from support.tiny_runs import data_folder, tiny_recipe

from nnz.files.errors import printable

SMALL_STACK = 48 * 1024


@pytest.fixture
def recipe(tmp_path):
    return tiny_recipe(data_folder(tmp_path / "few-names"), steps=3)


def small_stack():
    resource.setrlimit(resource.RLIMIT_STACK, (SMALL_STACK, SMALL_STACK))


def test_a_run_whose_files_are_closed_writes_what_any_run_writes(recipe, tmp_path):
    run(recipe, tmp_path / "open")
    assert subprocess.call([*words(PROGRAM, recipe, tmp_path / "closed")], preexec_fn=lambda: os.closerange(0, 3)) == 0
    for name in ("log.csv", "samples.txt", "checkpoint.safetensors"):
        assert (tmp_path / "closed" / name).read_bytes() == (tmp_path / "open" / name).read_bytes(), name


@pytest.mark.parametrize("wanted", [["--help"], ["conformance", "--list"]])
def test_what_cannot_be_printed_is_an_error(wanted):
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(built()), *wanted], stdout=full, stderr=subprocess.PIPE, text=True)
    refused(done, "cannot write to stdout: No space left on device")


@pytest.mark.parametrize(
    "settings", [{"model__precision": "strict", "model__dtype": "float32"}, {"model__dtype": "float64"}], ids=str
)
def test_a_small_stack_is_enough(recipe, tmp_path, settings):
    for key, value in settings.items():
        recipe = recipe.override(key.replace("__", "."), value)
    environment = {"OMP_NUM_THREADS": "2"}
    done = run(recipe, tmp_path / "run", preexec_fn=small_stack, env=environment)
    assert (done.returncode, "mlp: " in done.stderr) == (0, False), done


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_training_is_one_line(which):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"full")
    os.set_blocking(writer, True)  # so the program waits until somebody reads
    with subprocess.Popen([str(built()), "--help"], stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        while not answers(process.pid, which):
            time.sleep(0.01)
        process.send_signal(which)
        assert (process.wait(), process.stderr.read()) == (1, "mlp: stopped before it was done; start it again\n")
    os.close(reader)
    os.close(writer)


def answers(pid, which):
    """Whether the process has a handler for the signal."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (which - 1) & 1


def test_signals_that_the_caller_ignores_are_ignored(recipe, tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    longer = recipe.override("train.steps", 300).override("train.eval_every", 50)
    command = words(PROGRAM, longer, tmp_path / "run")
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=ignore) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "name",
    [
        "\x1b[31m\x9b\x7f",
        "a\u202eb\u2066\u061c",
        "zoé 日本\u3000a\u00a0b",
        "👩\u200d🚀 \ufeff\U0010ffff",
        b"\xff\x9b\xe6\x97\xed\xa0\x80\xc0\x80\xf0\x80\x80\xa0\xf5\xe2\x80",
    ],
)
def test_what_reaches_a_terminal_is_what_python_would_show(name):
    done = subprocess.run([str(built()), "--data", name], capture_output=True, text=True)
    refused(done, f"no file {printable(os.fsdecode(name))}; give a text file")


def test_a_terminal_sees_how_far_it_is_and_then_the_results_alone(recipe, tmp_path):
    ours, theirs = os.openpty()
    long = ["--steps", "9000", "--eval-every", "9000", "--hidden-size", "64", "--batch-size", "256"]
    process = subprocess.Popen(
        [str(built()), "--data", str(tmp_path / "few-names"), *long, "--out", str(tmp_path / "run")],
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            sent += os.read(ours, 2**16)
        except OSError:  # the last of the others has closed it
            break
    os.close(ours)
    assert process.wait() == 0
    assert re.search(rb"\r\d+ of 9000 steps, \d+ s\x1b\[K", sent)
    assert re.search(rb" s\x1b\[K\r\x1b\[K(step|test)", sent)  # gone before the next result
    assert sent.rstrip().endswith(b"the run is in " + os.fsencode(tmp_path / "run"))


def test_samples_with_control_characters_do_not_move_the_cursor_of_a_terminal(recipe, tmp_path):
    folder = tmp_path / "few-names"
    for path in folder.iterdir():
        path.write_text(path.read_text(encoding="utf-8").replace("a", "\x1b"), encoding="utf-8")
    ours, theirs = os.openpty()
    assert run(recipe, tmp_path / "run", stdout=theirs).returncode == 0
    os.close(theirs)
    sent = os.read(ours, 2**16)
    os.close(ours)
    assert "\x1b" in (tmp_path / "run" / "samples.txt").read_text(encoding="utf-8")
    assert (b"\x1b" in sent, rb"\x1b" in sent) == (False, True)
