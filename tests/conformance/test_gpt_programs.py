"""The GPT's part of the protocol: a program that speaks it, and one that does not."""

import sys

import pytest
from support.built_program import ROOT

from nnz.conformance.grading import GPT_PART
from nnz.conformance.levels import GPT_LEVELS
from nnz.conformance.program.backend import ProgramBackend, speaks_gpt
from nnz.conformance.program.grade import NOT_ASKED, grade_program
from nnz.conformance.program.protocol import GPT_FUNCTIONS, Program, expected_of

LEVELS = ("rms_norm", "rms_norm_backward", "attention", "dropout_mask", "square_sum", "clip", "gpt")
COMMAND = [sys.executable, str(ROOT / "tests" / "support" / "programs" / "by_numpy.py")]
LISTS_ONE = "import sys; print('nnz-conformance-1\\n{}')"


@pytest.mark.slow
def test_a_program_gets_every_point_of_the_gpt():
    assert not set(LEVELS) & set(NOT_ASKED)
    report = grade_program(COMMAND, ["float32", "strict"], rounds=1, levels=LEVELS)
    assert [(r.name, r.reason) for r in report.results if not r.passed] == []
    assert {r.level for r in report.results} == set(LEVELS)


def test_a_program_that_lists_one_function_of_the_gpt_is_asked_for_all():
    command = [sys.executable, "-c", LISTS_ONE.format("relu_forward float32")]
    with Program(command) as program:
        assert speaks_gpt(program)
        assert all(hasattr(ProgramBackend(program).ops, name) for name in GPT_FUNCTIONS if name != "gpt")


@pytest.mark.slow
def test_a_program_that_lists_none_is_graded_on_the_mlp_and_told_so():
    command = [sys.executable, "-c", LISTS_ONE.format("tanh_forward float32")]
    report = grade_program(command, ["float32"], rounds=1)
    assert GPT_PART in report.skipped
    assert not {r.level for r in report.results} & set(GPT_LEVELS)


def test_a_response_holds_what_belongs_to_the_request():
    assert expected_of("rms_norm_backward", ["dy", "x", "rstd"]) == ("dx",)
    assert expected_of("rms_norm_backward", ["dy", "x", "rstd", "weight"]) == ("dx", "dweight")
    assert expected_of("gpt", ["wte.weight", "inputs"]) == ("logits",)
    assert expected_of("gpt", ["wte.weight", "inputs", "targets"]) == ("logits", "loss", "dwte.weight")
