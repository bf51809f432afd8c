"""`nnz` among other processes: early signals, closed and full files, readers that leave, a terminal that obeys."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from support.tiny_runs import finished_run

from nnz.files.errors import printable
from nnz.files.terminal import note

NNZ = [sys.executable, "-m", "nnz"]
WITHOUT_PICTURES = """
import nnz.__main__ as entry, nnz.pictures.of_run as pictures, sys
pictures.draw = lambda *of_a_run: []
sys.exit(entry.main())
"""
STOPPED = "nnz: stopped before it was done; start it again\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("place"))


def train(place, out):
    return [
        sys.executable,
        "-c",
        WITHOUT_PICTURES,
        "train",
        str(place / "tiny.toml"),
        "--backend",
        "numpy",
        "--steps",
        "3",
        "--out",
        str(out),
    ]


# Python's module by which the place in an import is found at which the signal is sent to the process by itself.
AT_IMPORT = """
import os, signal, sys, nnz.__main__ as entry
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.{which})
sys.meta_path.insert(0, Finder())
sys.argv[1:] = {words!r}
sys.exit(entry.main())
"""


@pytest.mark.parametrize(
    ("which", "module"), [("SIGINT", "argparse"), ("SIGINT", "numpy"), ("SIGTERM", "argparse"), ("SIGHUP", "numpy")]
)
def test_a_signal_while_modules_are_imported_is_one_line(which, module):
    code = AT_IMPORT.format(module=module, which=which, words=["diff", "numpy", "numpy"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, STOPPED)


def test_signals_are_answered_before_anything_large_is_imported():
    code = "import os, signal, sys; before = set(sys.modules); import nnz.__main__; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"nnz", "nnz.__main__"}


def test_a_signal_that_a_library_turns_into_an_error_of_its_own_is_no_bug():
    code = """
import nnz.__main__ as entry, nnz.commands.main as command_line, signal, sys
def run(words):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ValueError("Invalid affine transformation matrix") from None
command_line._run = run
sys.exit(entry.main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, STOPPED)


def test_a_signal_where_python_ignores_exceptions_ends_the_command():
    code = """
import nnz.__main__ as entry, nnz.commands.main as command_line, signal, sys
class Freed:
    def __del__(self): signal.raise_signal(signal.SIGINT)
def run(words): Freed()
command_line._run = run
sys.exit(entry.main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, STOPPED)


def test_a_signal_that_the_caller_ignores_stays_ignored():
    code = "import nnz.__main__ as entry, signal; entry.answer_signals(entry.stop); signal.raise_signal(signal.SIGHUP)"

    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    ignored = subprocess.run([sys.executable, "-c", code], preexec_fn=ignore)
    assert ignored.returncode == 0
    assert "KeyboardInterrupt" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr


@pytest.mark.slow
def test_a_run_whose_files_are_closed_writes_what_any_run_writes(place, tmp_path):
    assert subprocess.run(train(place, tmp_path / "open"), capture_output=True).returncode == 0
    for first, last in ((0, 3), (2, 3)):
        out = tmp_path / f"{first}-{last}"
        closed = subprocess.run(
            train(place, out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda a=first, b=last: os.closerange(a, b),
        )
        assert closed.returncode == 0
        for name in ("log.csv", "samples.txt", "checkpoint.safetensors"):
            assert (out / name).read_bytes() == (tmp_path / "open" / name).read_bytes(), name


def test_a_note_without_stderr_does_not_go_to_stdout(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    note("lost")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])  # without it, what stderr does not take is tried again at the end
def test_a_note_that_cannot_be_written_does_not_stop_a_run(place, tmp_path, unbuffered):
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        done = subprocess.run(train(place, tmp_path), stdout=subprocess.DEVNULL, stderr=full, env=environment)
    assert done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["", "--help", "--version", "train --help", "data list", "diff numpy numpy"])
def test_what_cannot_be_printed_is_an_error_of_one_line(words, unbuffered):
    with open("/dev/full", "w") as full:
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        command = [*NNZ, *words.split()]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
    assert (done.returncode, done.stderr) == (1, "nnz: cannot write to stdout: No space left on device\n")


@pytest.mark.parametrize("words", ["sample RUN --count 100000", "diff numpy numpy", "data list", "--help"])
def test_a_reader_that_has_seen_enough_ends_the_command_silently(place, words):
    command = [*NNZ, *words.replace("RUN", str(place / "run")).split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as head:
        if words.startswith("sample"):
            head.stdout.readline()
        head.stdout.close()
        assert head.stderr.read() == b""
    assert head.returncode == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("zoé 日本\n", "zoé 日本\n"),
        ("\x1b[31m\r\x9b\x7f", r"\x1b[31m\r\x9b\x7f"),
        ("a\u202eb\udc80", r"a\u202eb\udc80"),
        ("\u2066\u200f\u061c", r"\u2066\u200f\u061c"),
        *((text, text) for text in ("日本\u3000語", "a\u00a0b", "👩\u200d🚀", "می\u200cروم", "\u2028\ufeff\ue000")),
    ],
)
def test_control_characters_are_shown_not_sent(text, shown):
    assert printable(text) == shown


def on_a_terminal(command):
    """What the command sends to a terminal, and its exit code."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    sent = b""
    with suppress(OSError):  # EIO: nobody has the other end open any longer
        while piece := os.read(ours, 4096):
            sent += piece
    os.close(ours)
    return process.wait(), sent.replace(b"\r\n", b"\n")


@pytest.mark.slow
def test_no_control_character_reaches_a_terminal(place, tmp_path):
    name = "a\x1b[31mb"
    code, sent = on_a_terminal([*NNZ, "new-backend", str(tmp_path / name)])
    assert b"\x1b" not in sent
    folder = tmp_path / name
    folder.mkdir()
    code, sent = on_a_terminal([*NNZ, "golden", str(folder), "--dtype", "float64"])
    assert (code, b"\x1b" in sent) == (0, False), sent
    assert rb"a\x1b[31mb" in sent
    for words in (["sample", name], ["train", name], ["train", "names", "--data", name], ["data", "get", name]):
        code, sent = on_a_terminal([*NNZ, *words])
        assert code in (1, 2)
        assert b"\x1b" not in sent, sent


@pytest.mark.parametrize(
    ("count", "rank", "shown"), [("2", "0", True), ("2", "1", False), ("1", "1", True), ("2", "x", True)]
)
def test_of_the_workers_of_torchrun_the_first_one_tells_the_notes(monkeypatch, capsys, count, rank, shown):
    monkeypatch.setenv("WORLD_SIZE", count)
    monkeypatch.setenv("RANK", rank)
    note("once")
    assert capsys.readouterr().err == "once\n" * shown


def test_of_the_workers_of_torchrun_the_first_one_tells_the_error(place):
    command = [*NNZ, "train", "no-such-recipe"]
    environment = os.environ | {"WORLD_SIZE": "2", "RANK": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as second:
        first = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=environment | {"RANK": "0"})
        time.sleep(0.5)
        second.send_signal(signal.SIGTERM)  # as torchrun does
        assert second.stderr.read() == ""
    assert (first.returncode, first.stderr.count("\n"), second.returncode) == (2, 1, 2)


WITHOUT = """
import sys, nnz.__main__ as entry
sys.modules[{module!r}] = None
sys.argv[1:] = {words!r}
sys.exit(entry.main())
"""


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("msgspec", ["sample", "RUN"]),
        ("msgspec", ["read", "--no-open"]),
        ("matplotlib", ["plot", "RUN"]),
        ("tomli_w", ["train", "names"]),
    ],
)
def test_a_dependency_that_a_pull_brought_is_named_with_what_to_do(place, module, words):
    code = WITHOUT.format(module=module, words=[word.replace("RUN", str(place / "run")) for word in words])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=place)
    why = f"nnz: nnz needs {module}, which is not installed; install nnz again, with make dev or pip"
    assert done.stderr.splitlines()[-1] == why
    assert done.returncode == 1
