"""Limits of the system on memory, open files and file sizes: an end in one line, and never by a signal."""

import sys

import pytest
from support.limits import sweep
from support.tiny_commands import PROGRAM

from nnz.commands import main as command_line

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits are those of Linux")


@pytest.mark.slow
@linux
@pytest.mark.parametrize(
    ("limit", "values"),
    [("AS", range(4 << 20, 41 << 20, 3 << 20)), ("NOFILE", range(9)), ("FSIZE", range(0, 1_000_000, 100_000))],
)
def test_the_program_ends_well_or_in_one_line_under_any_limit(limit, values):
    sweep(PROGRAM, limit, values)


@linux
@pytest.mark.slow
@pytest.mark.parametrize(("limit", "values"), [("AS", [100 << 20, 170 << 20, 400 << 20]), ("NOFILE", [5, 8, 20])])
def test_the_command_ends_well_or_in_one_line_under_a_limit(limit, values):
    sweep("numpy", limit, values)


def test_a_library_that_does_not_fit_into_memory_is_no_bug(monkeypatch, capsys):
    def run(words):
        raise ImportError("ft2font.so: failed to map segment from shared object")

    monkeypatch.setattr(command_line, "_run", run)
    assert command_line.main(["train"]) == 1
    assert capsys.readouterr().err.startswith("nnz: out of memory")
