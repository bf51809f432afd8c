"""A grade is the same however many processes share its checks, and whatever becomes of them."""

import os
import signal
from contextlib import nullcontext
from functools import partial

import pytest

from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.grading import Shared, grade
from nnz.conformance.isolated.descendants import LINUX
from nnz.conformance.report import Report, Result
from nnz.conformance.sharing import JOBS_EACH, Assistants

LEVELS = ["linear", "tanh", "batch_norm", "linear_backward", "tanh_backward", "batch_norm_backward"]
OURS = os.getpid()
needs_linux = pytest.mark.skipif(not LINUX, reason="checks are shared out on Linux alone")


def _graded_by(ends: bool, backend: BackendUnderTest, result: Result) -> Result:
    """Notes who graded; with `ends` an assistant is killed in its first check."""
    if ends and os.getpid() != OURS:
        os.kill(os.getpid(), signal.SIGKILL)
    object.__setattr__(result, "note", str(os.getpid()))
    return result


def _figures(report: Report) -> list:
    return [{**result, "note": ""} for result in report.to_json()["results"]]  # NaN is None here


@needs_linux
@pytest.mark.parametrize("ends", [False, True], ids=["all end well", "an assistant is killed"])
def test_a_shared_grade_is_that_of_one_process(ends):
    seen: list[str] = []
    alone = grade("numpy", LEVELS, rounds=1)
    shared = Shared(2, partial(nullcontext, BackendUnderTest("numpy")), lambda result: seen.append(result.name))
    together = grade("numpy", LEVELS, rounds=1, each=partial(_graded_by, ends), shared=shared)
    assert len({result.note for result in together.results}) == (1 if ends else 2)
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
