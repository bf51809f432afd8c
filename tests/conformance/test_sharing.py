"""A grade is the same however many processes share its checks, and whatever becomes of them."""

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from functools import partial

import pytest

from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.grading import Shared, grade
from nnz.conformance.isolated.descendants import LINUX
from nnz.conformance.report import Report, Result
from nnz.conformance.sharing import JOBS_EACH, Assistants

pytestmark = pytest.mark.slow

LEVELS = ["linear", "tanh", "batch_norm", "linear_backward", "tanh_backward", "batch_norm_backward"]
OURS = os.getpid()
needs_linux = pytest.mark.skipif(not LINUX, reason="checks are shared out on Linux alone")


def _graded_by(gets: signal.Signals | None, backend: BackendUnderTest, result: Result) -> Result:
    """Notes who graded; an assistant gets this signal in its first check."""
    if gets is not None and os.getpid() != OURS:
        os.kill(os.getpid(), gets)
    object.__setattr__(result, "note", str(os.getpid()))
    return result


def _figures(report: Report) -> list:
    return [{**result, "note": ""} for result in report.to_json()["results"]]  # NaN is None here


@needs_linux
@pytest.mark.parametrize("gets", [None, signal.SIGKILL, signal.SIGSTOP])
def test_a_shared_grade_is_that_of_one_process(gets):
    seen: list[str] = []
    alone = grade("numpy", LEVELS, rounds=1)
    shared = Shared(2, partial(nullcontext, BackendUnderTest("numpy")), lambda result: seen.append(result.name))
    together = grade("numpy", LEVELS, rounds=1, each=partial(_graded_by, gets), shared=shared)
    assert len({result.note for result in together.results}) == (2 if gets is None else 1)
    assert seen == [result.name for result in alone.results]
    assert _figures(together) == _figures(alone)


@needs_linux
def test_each_job_is_done_once_by_whoever_is_free():
    jobs = 4 * JOBS_EACH
    with Assistants(3, jobs, partial(nullcontext, None), lambda _, number: number) as assistants:
        ours = []
        while (number := assistants.take()) is not None:
            ours.append(number)
        theirs = [number for number, result in assistants.done(at_the_end=True) if result == number]
    assert sorted(ours + theirs) == list(range(jobs))


FORGES = """
import contextlib, os
class ops:
    @staticmethod
    def tanh_forward(x):
        place = f"/proc/{os.getppid()}/fd/"
        for fd in os.listdir(place):
            with contextlib.suppress(OSError):
                if os.readlink(place + fd).startswith("pipe:") and int(fd) > 2:
                    os.write(os.open(place + fd, os.O_WRONLY | os.O_NONBLOCK), b"forged")
        raise ValueError("it computes nothing")
    linear_forward = batch_norm_forward = embedding_forward = tanh_forward
"""


@needs_linux
def test_what_a_backend_writes_to_the_process_that_grades_it_is_not_read(tmp_path):
    (tmp_path / "forges.py").write_text(FORGES, encoding="utf-8")
    words = [word for level in LEVELS for word in ("--level", level)]
    command = [sys.executable, "-m", "nnz", "parity", tmp_path / "forges.py", "--quick", "--jobs", "2", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    assert f": 0 of {8 * len(LEVELS)} " in done.stdout.splitlines()[0]
