"""Programs that answer many requests in one process; and a whole port, in JavaScript, which gets all points by it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.built_program import ROOT, built, conformance

from nnz.conformance.grading import GPT_PART
from nnz.conformance.program import process
from nnz.conformance.program.backend import ProgramBackend
from nnz.conformance.program.grade import grade_program
from nnz.conformance.program.protocol import Program, ProgramError, Refused
from nnz.conformance.report import FAILED, NOT_THERE

PORT = ROOT / "tests" / "support" / "programs" / "port.mjs"
PATIENCE, LONG = 1.0, 100.0  # seconds
NODE = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run JavaScript")
ONES = np.ones((2, 3), np.float32)

# Answers by build/mlp, and notes its own process number at each request.
SERVES = """
import os, subprocess, sys, time

if sys.argv[2] == "--list":
    print("nnz-conformance-1\\nserve\\ntanh_forward float32\\nembedding_forward float32")
    sys.exit()
assert sys.argv[2:] == ["--serve"], "a program that serves is not started for each request"
for number, folder in enumerate(map(str.strip, sys.stdin)):
    with open({notes!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    {before}
    paths = [f"{{folder}}/{{name}}.safetensors" for name in ("request", "response")]
    print(subprocess.run([{truth!r}, "conformance", *paths]).returncode, flush=True)
"""


def served(folder: Path, before: str = "pass", timeout: float = 60.0) -> Program:
    text = SERVES.format(truth=str(built()), notes=str(folder / "pids"), before=before)
    (folder / "program.py").write_text(text, encoding="utf-8")
    return Program([sys.executable, "-I", "-S", str(folder / "program.py")], timeout)


def pids(folder: Path) -> list[int]:
    return list(map(int, (folder / "pids").read_text().split()))


def tanh(program: Program) -> np.ndarray:
    return ProgramBackend(program).ops.tanh_forward(ONES)


def test_one_process_answers_all_requests_and_ends_with_the_grading(tmp_path):
    with served(tmp_path) as program:
        for _ in range(3):
            assert np.array_equal(tanh(program), np.tanh(ONES))
        (pid,) = set(pids(tmp_path))
        assert len(pids(tmp_path)) == 3
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_refusal_and_what_is_said_of_it_come_through(tmp_path):
    with served(tmp_path) as program:
        for _ in range(2):
            with pytest.raises(Refused, match="ids holds 7"):
                ProgramBackend(program).ops.embedding_forward(ONES, np.array([[0, 7]]))
        assert tanh(program).shape == ONES.shape
        assert len(set(pids(tmp_path))) == 1


@pytest.mark.parametrize(
    ("death", "complaint"),
    [("sys.exit(3)", "exit code 3"), ("sys.exit(0)", "exit code 1"), ("os.kill(os.getpid(), 11)", "signal 11")],
)
def test_one_that_dies_fails_that_request_and_is_started_again(tmp_path, death, complaint):
    with served(tmp_path, f"if number == 1: {death}") as program:
        tanh(program)
        with pytest.raises(ProgramError, match=complaint):
            tanh(program)
        assert tanh(program).shape == ONES.shape
        assert len(set(pids(tmp_path))) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("time.sleep(600)", "took more than 1 s"),
        ("print('hello', flush=True)", "answered 'hello'"),
        ("sys.stdout.write('y' * 2**25)", "printed more than"),
        ("sys.stderr.write('y' * 2**25)", "printed more than"),
    ],
)
def test_one_that_breaks_a_rule_is_stopped_and_not_called_again(tmp_path, answer, complaint):
    with served(tmp_path, answer, PATIENCE if "sleep" in answer else LONG) as program:
        for again in ("", "not called again: "):
            with pytest.raises(ProgramError, match=f"^{again}.*{complaint}"):
                tanh(program)
        assert len(pids(tmp_path)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has sub-reapers")
def test_a_child_that_left_its_group_ends_with_the_program(tmp_path):
    child = f"os.setsid() or open({str(tmp_path / 'child')!r}, 'w').write(str(os.getpid())) and time.sleep(600)"
    with served(tmp_path, f"os.fork() == 0 and ({child})") as program:
        tanh(program)
        deadline = time.monotonic() + LONG
        while not (tmp_path / "child").exists() or not (pid := (tmp_path / "child").read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


@pytest.mark.slow
def test_a_grading_that_is_asked_to_end_takes_the_program_with_it(tmp_path):
    with served(tmp_path, "time.sleep(600)") as program:
        words = " ".join(program.command)
    parity = subprocess.Popen([sys.executable, "-m", "nnz", "parity", "--cmd", words], stderr=subprocess.DEVNULL)
    while not (tmp_path / "pids").exists() or not pids(tmp_path):
        assert parity.poll() is None
        time.sleep(0.02)
    parity.send_signal(signal.SIGTERM)
    assert parity.wait(20) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(pids(tmp_path)[0], 0)


def test_the_c_program_serves_folders_whatever_their_names_until_its_input_ends(tmp_path):
    assert "serve" in conformance(built(), "--list").stdout.splitlines()
    folders = [tmp_path / name for name in ("with space", "missing")]
    given = "".join(f"{folder}\n" for folder in folders)
    folders[0].mkdir()
    done = subprocess.run(
        [str(built()), "conformance", "--serve"], input=given, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "1\n1\n"
    assert done.stderr.count("request.safetensors: No such file") == 2


def test_the_c_program_answers_alike_in_one_process_and_in_many():
    with Program([str(built())]) as program:
        assert program.serves
        one = tanh(program)
        program.serves = False
        assert np.array_equal(one, tanh(program))


def test_what_ended_before_it_could_be_asked_is_an_exit_code():
    ended = process.Served([sys.executable, "-c", "import sys; sys.exit(4)"])
    try:
        assert ended.ask("anything", PATIENCE * 10)[0] == 4
    finally:
        ended.close()


@NODE
def test_the_port_in_javascript_is_not_asked_for_weights_to_the_bit_unless_these_are_named():
    asked = grade_program(["node", str(PORT)], ("float32",), rounds=1, levels=("initial_weights",))
    assert {r.outcome for r in asked.results} == {NOT_THERE}
    assert asked.skipped == ()


@NODE
@pytest.mark.slow
def test_the_port_in_javascript_gets_every_point():
    report = grade_program(["node", str(PORT)], rounds=1)
    assert report.ok, [(r.name, r.outcome, r.reason) for r in report.results if not r.passed]
    assert report.skipped == ("initial_weights", GPT_PART)
    assert "initial_weights" not in report.points


@NODE
@pytest.mark.slow
def test_the_port_refuses_ids_that_are_not_integers_and_the_harness_asks_it(tmp_path):
    text = PORT.read_text(encoding="utf-8")
    refusal = 'if (!(a instanceof Int32Array)) throw new Refused("the ids must be I32");'
    assert refusal in text
    (tmp_path / "port.mjs").write_text(text.replace(refusal, ""), encoding="utf-8")
    report = grade_program(["node", str(tmp_path / "port.mjs")], ("float64",), rounds=1, levels=("mlp",))
    failed = {r.check: r.reason for r in report.results if r.outcome == FAILED}
    assert list(failed) == ["refuses bad ids"]
    assert "TypeError" in failed["refuses bad ids"]
