"""nnz referee: its exit code, its one line, and what it does with programs that do not end well."""

import itertools
import json
import sys
import time
from pathlib import Path

import pytest

from nnz.commands.main import main
from nnz.referee.start import Names
from nnz.referee.training import Training
from nnz.referee.variant import REFERENCE

FEW = 5  # steps
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc and sub-reapers")


@pytest.fixture(scope="module")
def right(names: Names) -> list[str]:
    """The first lines of a port that is right."""
    losses = itertools.islice(Training(names, REFERENCE).losses(), FEW)
    return [f"step {i} / 1000 | loss {loss:.4f}" for i, loss in enumerate(losses, 1)]


def graded(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["referee", *words])
    return code, *capsys.readouterr()


def program(folder: Path, text: str) -> str:
    (folder / "port.py").write_text(f"import os, sys, time\n{text}\n", encoding="utf-8")
    return f"{sys.executable} -I -S {folder / 'port.py'}"


def printing(lines: list[str]) -> str:
    return f"print({chr(10).join(lines)!r}, flush=True)\n"


def test_a_log_that_is_right_is_equal(tmp_path, capsys, right):
    (tmp_path / "log").write_text("\n".join([*right, "sample  1: name"]))  # of a short training, so not graded
    code, out, err = graded(capsys, "--log", str(tmp_path / "log"), "--steps", str(FEW))
    assert (code, err) == (0, "")
    assert out == (
        "read: 5 losses, steps 1 to 5, with 4 decimals\n"
        "equal: every loss that was read is microgpt's, to the last printed digit\n"
    )


def test_a_loss_that_is_wrong_is_named_with_its_cause(tmp_path, capsys, right):
    bits = [line.replace("loss ", "loss 0") for line in right]
    (tmp_path / "log").write_text("\n".join([*bits[:-1], "step 5 / 1000 | loss 3.2210"]))
    code, out, err = graded(
        capsys, "--log", str(tmp_path / "log"), "--steps", str(FEW), "--json", str(tmp_path / "json")
    )
    assert code == 1
    assert "not equal: step 5 is 3.2210; microgpt has 3.2209, +0.0001; the 4 losses before it are equal\n" in out
    assert err.startswith("nnz: the losses are not microgpt's: step 5 is 3.2210; microgpt has 3.2209")
    assert err.count("\n") == 1
    found = json.loads((tmp_path / "json").read_text())
    assert found["first_difference"]["step"] == 5
    assert found["first_difference"]["reference"] == pytest.approx(3.2209, abs=5e-5)
    assert not found["ok"]
    names = [[one["name"] for one in deviations] for deviations in found["why"]]
    assert names
    assert all(f"{name}: " in out or f"why: {name}\n" in out for (name,) in names[:8])


@pytest.mark.slow
def test_what_no_deviation_explains_is_said_to_be_so(tmp_path, capsys, right):
    (tmp_path / "log").write_text("\n".join([*right[:2], "step 3 loss 7.0000", *right[3:]]))
    code, out, _ = graded(capsys, "--log", str(tmp_path / "log"), "--steps", str(FEW), "--json", "-")
    assert code == 1
    found = json.loads(out)
    assert found["why"] == []
    assert found["equal_losses"] == 2


def test_stdin_is_read(capsys, right, monkeypatch, tmp_path):
    (tmp_path / "log").write_text("\r".join(right))
    with open(tmp_path / "log") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert graded(capsys, "--log", "-", "--steps", str(FEW))[0] == 0


def test_a_program_is_stopped_when_it_has_printed_the_steps_that_are_asked_for(tmp_path, capsys, right):
    began = time.monotonic()
    command = program(tmp_path, printing([*right, "step 6 / 1000 | loss 1.0"]) + "time.sleep(300)")
    code, out, err = graded(capsys, "--cmd", command, "--steps", str(FEW))
    assert (code, err) == (0, "")
    assert out.startswith("read: 5 losses")
    assert time.monotonic() - began < 60


@pytest.mark.slow
def test_a_program_that_hangs_is_stopped_and_what_it_printed_is_graded(tmp_path, capsys, right):
    command = program(tmp_path, printing(right) + "time.sleep(300)")
    code, out, err = graded(capsys, "--cmd", command, "--timeout", "1")
    assert code == 1
    assert "but: the program took more than 1 s and was stopped\n" in out
    assert "but: it ends with step 5; 1,000 steps are asked for\n" in out
    assert "\nevery loss that was read is microgpt's" in out
    assert err.count("\n") == 1


def test_a_program_that_dies_half_way_is_not_equal(tmp_path, capsys, right):
    command = program(tmp_path, printing(right) + "sys.exit(3)")
    code, _, err = graded(capsys, "--cmd", command)
    assert code == 1
    assert "it ends with step 5" in err
    assert "the program ended with exit code 3" in err
    raises = 'raise IndexError("no " + "such " * 99)'
    _, _, err = graded(capsys, "--cmd", program(tmp_path, printing(right) + raises))
    assert "ended with exit code 1; its last words: IndexError: no such such" in err


def test_losses_on_stderr_are_read_too(tmp_path, capsys, right):
    to_stderr = printing(right).replace(", flush", ", file=sys.stderr, flush")
    command = program(tmp_path, f"{to_stderr}time.sleep(60)")  # it is stopped when it has printed enough
    assert graded(capsys, "--cmd", command, "--steps", str(FEW))[0] == 0


def test_the_stream_with_more_losses_is_read(tmp_path, capsys, right):
    to_stderr = printing(right).replace(", flush", ", file=sys.stderr, flush")
    command = program(tmp_path, f"{to_stderr}print('best loss 2.1 at step 500')")
    assert graded(capsys, "--cmd", command, "--steps", str(FEW))[0] == 0


def test_the_words_of_an_error_are_no_losses(tmp_path, capsys):
    (tmp_path / "names").write_text("anna\n", encoding="utf-8")
    command = program(tmp_path, "raise ValueError('loss 3.3660 is bad at step 1')")
    code, out, err = graded(capsys, "--cmd", command, "--data", str(tmp_path / "names"))
    assert (code, out) == (2, "")
    assert "exit code 1; its last words: ValueError: loss 3.3660 is bad at step 1" in err


@pytest.mark.parametrize("text", ["step 1000 loss 2.6497", "step 1 loss 3.3660\nstep 1000 loss 2.6497", "3.3660"])
def test_a_few_losses_are_no_proof(text, tmp_path, capsys, names):
    (tmp_path / "log").write_text(text)
    code, out, err = graded(capsys, "--log", str(tmp_path / "log"))
    assert code == 1
    assert "can be equal by chance; let it print 5 or more" in out
    assert not any(line.startswith("equal") for line in out.splitlines())
    assert err.startswith("nnz: not graded as equal: ")


def test_a_loss_that_is_not_a_number_is_not_equal(tmp_path, capsys, right):
    command = program(tmp_path, printing([*right[:3], "step 4 / 1000 | loss nan", "step 5 / 1000 | loss nan"]))
    code, out, err = graded(capsys, "--cmd", command, "--steps", str(FEW))
    assert code == 1
    assert "not equal: step 4 is nan; microgpt has 3.0664; the 3 losses before it are equal\n" in out
    assert "step 4 is nan" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("time.sleep(300)", "took more than 1 s and was stopped"),
        ("while True: print('y' * 1000)", "printed more than 16,777,216 bytes and was stopped"),
        ("pass", "it prints nothing"),
        ("sys.exit('no names here')", "exit code 1; its last words: no names here"),
        ("os.kill(os.getpid(), 9)", "ended with signal 9"),
        ("sys.stdout.buffer.write(bytes(range(256)) * 100)", "it is not text"),
        ("sys.stdout.buffer.write(b'1.0\\n\\xff\\xfe' * 999)", "it is not text"),
        ("print('hello')", "no line has a form that is known"),
        ("print('step 5000 loss 1.0')", "of the first 1,000 steps"),
    ],
)
def test_a_program_without_losses_is_refused(text, why, tmp_path, capsys):
    timeout = "1" if "sleep" in text else "60"
    (tmp_path / "names").write_text("anna\n", encoding="utf-8")  # so that no download is needed
    data = ["--data", str(tmp_path / "names")]
    code, out, err = graded(capsys, "--cmd", program(tmp_path, text), "--timeout", timeout, *data)
    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--cmd", "no-such-program", "--data", "LOG"], "cannot be started"),
        (["--cmd", "'"], "is not a command"),
        (["--log", "LOG", "--pattern", "("], "not a regular expression"),
        (["--log", "LOG", "--steps", "0"], "--steps"),
        (["--log", "LOG", "--steps", "1001"], "--steps"),
        (["--cmd", "true", "--timeout", "0"], "--timeout is 0"),
        (["--log", "LOG", "--cmd", "true"], "not allowed with"),
        ([], "required"),
        (["--log", "EMPTY"], "it is empty"),
        (["--log", "LOG", "--data", "none"], "--data none is not a file; it must have a name on each line"),
        (["--log", "BINARY"], "it is not text"),
        (["--log", "TWICE", "--data", "LOG"], "step 1 has two losses"),
    ],
)
def test_what_is_asked_wrongly_is_refused(words, why, tmp_path, capsys):
    contents = {"LOG": b"step 1 loss 3.3660\n", "EMPTY": b" \n", "BINARY": b"step 1 loss 3.3660\n\0"}
    contents["TWICE"] = b"step 1 loss 3.3660\nstep 1 loss 3.4\n"
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    code, out, err = graded(capsys, *(str(tmp_path / word) if word in contents else word for word in words))
    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1


def test_a_log_that_is_not_there_is_named(tmp_path, capsys):
    code, _, err = graded(capsys, "--log", str(tmp_path / "none"))
    assert code == 2
    assert f"{tmp_path / 'none'}: No such file" in err


@LINUX
def test_nothing_that_a_port_started_is_left(tmp_path, capsys, right):
    flees = "import subprocess\nchild = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    tells = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
    code, _, _ = graded(capsys, "--cmd", program(tmp_path, flees + tells + printing(right)), "--steps", str(FEW))
    assert code == 0
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


def test_other_names_have_losses_of_their_own(tmp_path, capsys):
    lines = ["anna", "bob", "", "  carla "]
    (tmp_path / "names").write_text("\n".join(lines), encoding="utf-8")
    trained = Training(Names(["anna", "bob", "carla"]), REFERENCE).losses()
    (tmp_path / "log").write_text("\n".join(f"{loss:.6f}" for loss in itertools.islice(trained, FEW)))
    words = ["--log", str(tmp_path / "log"), "--data", str(tmp_path / "names"), "--steps", str(FEW)]
    assert graded(capsys, *words)[0] == 0


def test_each_deviation_is_listed(capsys):
    code, out, _ = graded(capsys, "--list")
    assert code == 0
    assert "\nbeta2-0.999" in out
    assert len(out.splitlines()) > 100


@pytest.mark.slow
def test_a_whole_log_is_equal_with_its_names_and_not_when_it_goes_on(tmp_path, capsys, names):
    training = Training(names, REFERENCE)
    lines = [f"step {i:4d} / 1000 | loss {loss:.4f}" for i, loss in enumerate(training.losses(), 1)]
    shown = [f"sample {i:2d}: {name}" for i, name in enumerate(training.samples(), 1)]
    (tmp_path / "log").write_text("\r".join(lines) + "\n" + "\n".join(shown))
    code, out, _ = graded(capsys, "--log", str(tmp_path / "log"))
    assert code == 0
    assert out.endswith("names: 20 of the 20 are microgpt's\n")
    (tmp_path / "log").write_text("\n".join([*lines, "step 1001 / 2000 | loss 2.5"]))
    code, out, err = graded(capsys, "--log", str(tmp_path / "log"))
    assert code == 1
    assert "it goes on to step 1,001; microgpt ends after 1,000 steps" in err
    (tmp_path / "log").write_text("\n".join(lines[99::100]))
    assert graded(capsys, "--log", str(tmp_path / "log"))[0] == 0
