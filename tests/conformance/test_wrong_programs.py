"""Programs that are right but for one thing: none gets a pass, and none hangs or crashes the grader."""

import shutil
import sys
import time
from itertools import cycle
from pathlib import Path

import pytest
from support.built_program import built

from nnz.conformance.grading import LEVELS
from nnz.conformance.program.grade import grade_program
from nnz.conformance.report import FAILED, Report

SPOILED = Path(__file__).resolve().parents[1] / "support" / "spoiled_program.py"
WAYS = (
    "nothing",
    "zeros",
    "ones",
    "nan",
    "input",
    "request",
    "nudged",
    "old",
    "old with the new nonce",
    "another function",
    "one array less",
    "transposed",
    "crashes",
    "garbage",
    "endless header",
)
PATIENCE = 2.0  # seconds

pytestmark = pytest.mark.slow


def spoiled(way: str, folder: Path) -> list[str]:
    copy = shutil.copy(SPOILED, folder)  # it keeps its first answer next to itself
    return [sys.executable, "-I", "-S", str(copy), way, str(built())]


def assert_no_pass(report: Report) -> None:
    assert [(r.name, r.reason) for r in report.results if r.outcome != FAILED] == []
    assert all(r.reason and "\n" not in r.reason for r in report.results)


@pytest.mark.parametrize(("way", "dtype"), list(zip(WAYS, cycle(["float32", "float64"]), strict=False)))
def test_a_program_that_is_wrong_in_one_way_gets_no_pass_at_any_level(way: str, dtype: str, tmp_path: Path) -> None:
    report = grade_program(spoiled(way, tmp_path), dtypes=(dtype,), rounds=1)
    assert report.asked > len(LEVELS)
    assert_no_pass(report)


def test_a_program_that_hangs_is_stopped_once_and_not_asked_again(tmp_path: Path) -> None:
    start = time.monotonic()
    report = grade_program(spoiled("hangs", tmp_path), rounds=1, timeout=PATIENCE)
    assert time.monotonic() - start < 4 * PATIENCE
    assert report.met == 0
    assert all("was stopped" in r.reason for r in report.results)
