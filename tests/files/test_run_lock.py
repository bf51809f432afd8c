"""One run in a folder at a time; the second is told who holds it, and a dead one holds nothing."""

import io
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from support.tiny_runs import data_folder, tiny_recipe, train

from nnz.files.lock import FolderInUse, RunLock
from nnz.training.run import Run

HOLD = """
import sys
from pathlib import Path
from nnz.files.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.take()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_holds_the_folder_and_since_when(tmp_path, holder):
    with pytest.raises(FolderInUse) as refusal:
        RunLock(tmp_path / "lock").take()
    who = rf"process {holder.pid} on {re.escape(socket.gethostname())} since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"
    expected = rf"{tmp_path} is in use by {who}; wait until it ends, or give another folder"
    assert re.fullmatch(expected, str(refusal.value))


def test_a_killed_process_holds_nothing(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "lock").exists()
    with RunLock(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text().startswith(f"process {os.getpid()} on ")
    assert not (tmp_path / "lock").exists()


def test_a_lock_removed_while_it_was_waited_for_is_taken_anew(tmp_path):
    first, second = RunLock(tmp_path / "lock"), RunLock(tmp_path / "lock")
    first.take()
    (tmp_path / "lock").unlink()  # a user who thinks that it is stale
    with second:
        first.release()
        assert (tmp_path / "lock").exists()  # it is the second's
    assert not (tmp_path / "lock").exists()


def test_two_runs_in_one_folder_do_not_disturb_each_other(tmp_path):
    data = data_folder(tmp_path / "data")
    first = Run(tiny_recipe(data), "numpy", tmp_path / "run")
    first.trainer.watcher = None
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    for resume in (False, True):
        with pytest.raises(FolderInUse, match="is in use by process"):
            Run(tiny_recipe(data), "numpy", tmp_path / "run", resume)
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    first.train()
    assert not (tmp_path / "run" / "lock").exists()
    train(tiny_recipe(data), tmp_path / "run", resume=True)


def test_a_run_that_could_not_begin_holds_nothing(tmp_path):
    data = data_folder(tmp_path / "data")
    train(tiny_recipe(data), tmp_path / "run")
    with pytest.raises(ValueError, match=r"had train\.steps") as kept:
        Run(tiny_recipe(data, steps=22), "numpy", tmp_path / "run", resume=True)
    assert kept.traceback  # which holds the run that failed
    train(tiny_recipe(data), tmp_path / "run", resume=True)


def test_where_the_file_system_has_no_locks_the_run_goes_on_and_says_so(tmp_path, monkeypatch, capsys):
    def refuse(*arguments):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with RunLock(tmp_path / "lock"):
        pass
    assert "cannot be locked (Operation not supported)" in capsys.readouterr().err


class Interrupted(io.FileIO):
    """A file after whose closing Ctrl-C comes."""

    def close(self):
        closed = self.closed
        super().close()
        if not closed:
            raise KeyboardInterrupt


def test_a_release_that_is_interrupted_is_not_done_twice(tmp_path):
    lock = RunLock(tmp_path / ".lock")
    lock._file = Interrupted(tmp_path / ".lock", "w")
    with pytest.raises(KeyboardInterrupt):
        lock.release()
    lock.release()  # as __del__ does
    assert not (tmp_path / ".lock").exists()
