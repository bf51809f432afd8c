"""The everyday GPT is graded like the backends, on all that a GPT is asked."""

import pytest

import nnz.gpt
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.grading import ALL_BUT_GPT, OF_GPT_ALONE, SEED, grade, grade_one
from nnz.conformance.levels import GPT_CHECKS

POINTS = {(c.level, c.name, dtype) for c in GPT_CHECKS if c.level in OF_GPT_ALONE for dtype in c.dtypes}


def check_grade(nn):
    """Every point of a GPT alone in float64, on one case or a few for each; the first that fails ends it."""
    backend = BackendUnderTest(nn.graded)
    for check in GPT_CHECKS:
        if (check.level, check.name, "float64") in POINTS:
            result = grade_one(backend, check, "float64", 1, SEED)
            assert result.passed, result
            assert backend.borrowed() == ()


def check_clip(nn):
    """Its clipping by itself, of gradients that are short, long and zero."""
    check = next(check for check in GPT_CHECKS if check.name == "nn.clip_grad_norm")
    for dtype in check.dtypes:
        result = grade_one(BackendUnderTest(nn.graded), check, dtype, 1, SEED)
        assert result.passed, result


@pytest.mark.slow
@pytest.mark.parametrize("check", [check_grade, check_clip], ids=lambda check: check.__name__)
def test_the_package_passes(check):
    check(nnz.gpt)


@pytest.mark.slow
def test_it_gets_all_27_points_on_as_many_cases_as_the_command_takes():
    report = grade("nnz.gpt")
    assert (report.failed, report.missing) == ((), ())
    assert {(r.level, r.check, r.dtype) for r in report.results} == POINTS
    assert report.met == report.asked == 27
    assert report.skipped == (ALL_BUT_GPT,)
    assert report.borrowed == ()
