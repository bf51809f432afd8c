"""Programs that hang, flood, hoard or hide: each is stopped, and nothing of it stays behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nnz.conformance.isolated import descendants
from nnz.conformance.program import process
from nnz.conformance.program.grade import grade_program
from nnz.conformance.report import FAILED

PATIENCE, LONG = 1.0, 300  # seconds

LISTS = "import os, sys, time\nif sys.argv[2] == '--list':\n    print('nnz-conformance-1\\ntanh_forward float32')\n"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc and sub-reapers")


def script(folder: Path, text: str) -> list[str]:
    (folder / "program.py").write_text(text, encoding="utf-8")
    return [sys.executable, "-I", "-S", str(folder / "program.py")]


def reason_of(folder: Path, answer: str) -> str:
    """Why a program fails whose answer to each request is this code."""
    command = script(folder, f"{LISTS}    sys.exit()\n{answer}\n")
    found = grade_program(command, ("float32",), rounds=1, levels=("tanh",), timeout=PATIENCE).results
    assert {r.outcome for r in found} == {FAILED}
    return found[0].reason


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_response_that_is_a_pipe_is_not_waited_for(tmp_path):
    assert "not a regular file" in reason_of(tmp_path, "os.mkfifo(sys.argv[3])")


def test_a_response_that_is_a_link_to_a_device_is_not_read(tmp_path):
    assert "not a regular file" in reason_of(tmp_path, "os.symlink('/dev/zero', sys.argv[3])")


def test_a_program_that_prints_without_end_is_stopped(tmp_path):
    for stream in ("stdout", "stderr"):
        text = f"import sys\nwhile True:\n    sys.{stream}.write('y\\n' * 10000)\n"
        with pytest.raises(process.Stopped, match="printed more than"):
            process.run(script(tmp_path, text), stream, LONG)


@LINUX
def test_a_file_without_end_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LIMITS", {**descendants.LIMITS, "RLIMIT_FSIZE": 2**20})
    answer = "with open(sys.argv[3], 'wb') as file:\n    while True:\n        file.write(bytes(2**16))"
    assert "exit code 1" in reason_of(tmp_path, f"time.sleep(0.1)\n{answer}")


@LINUX
def test_memory_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LIMITS", {**descendants.LIMITS, "RLIMIT_DATA": 2**28})
    assert "MemoryError" in reason_of(tmp_path, "time.sleep(0.1)\nbytearray(2**29)")


FLEES = """
import os, signal, sys, time

def child():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(os.getpid(), flush=True)
    time.sleep(300)

for leaves in (lambda: None, os.setsid, lambda: os.setpgid(0, 0), lambda: os.setsid() or os.fork() and os._exit(0)):
    if os.fork() == 0:
        leaves()
        os.environ.clear()
        child()
        os._exit(0)
time.sleep({wait})
"""


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("wait", [0.3, LONG], ids=["ends normally", "hangs"])
def test_no_child_of_a_program_stays_wherever_it_went(wait, tmp_path):
    text = FLEES.replace("{wait}", str(wait)).replace("print(os.getpid(), flush=True)", f"note({str(tmp_path)!r})")
    note = "def note(folder):\n    with open(folder + '/pids', 'a') as file:\n        file.write(f'{os.getpid()}\\n')\n"
    try:
        process.run(script(tmp_path, note + text), "stdout", PATIENCE)
    except process.TimedOut:
        assert wait == LONG
    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) == 4
    assert [pid for pid in pids if alive(int(pid))] == []


@pytest.mark.slow
@LINUX
def test_nnz_parity_takes_the_program_with_it_when_it_is_asked_to_end(tmp_path):
    answer = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(300)"
    command = " ".join(script(tmp_path, f"{LISTS}    sys.exit()\nos.setsid() if os.fork() == 0 else None\n{answer}\n"))
    parity = subprocess.Popen([sys.executable, "-m", "nnz", "parity", "--cmd", command], stderr=subprocess.DEVNULL)
    while not (tmp_path / "pid").exists() or not (pid := (tmp_path / "pid").read_text()):
        assert parity.poll() is None
        time.sleep(0.02)
    parity.send_signal(signal.SIGTERM)
    assert parity.wait(20) != 0
    assert not alive(int(pid))
