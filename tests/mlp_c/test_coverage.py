"""make test-coverage fails for a branch that is neither taken nor listed, and for one listed that is taken or gone."""

import os
import shutil
import subprocess

import pytest

from tools import coverage

SOURCE = """\
#include <stdlib.h>
int main(int n, char **words) {
    (void)words;
    if (n > 1) {
        abort();
    }
    while (n > 5) { n--; }
    return 0;
}
"""
NEVER = (
    "mlp_c/few.c: 1 not taken and not listed: if (n > 1) {\n"
    "mlp_c/few.c: 1 not taken and not listed: while (n > 5) { n--; }"
)
LISTED = (
    '[[group]]\nreason = "nobody asks"\n[group.lines]\n"mlp_c/few.c" = [[1, "{}"], [1, "while (n > 5) {{ n--; }}"]]\n'
)


@pytest.fixture
def counts(tmp_path, monkeypatch):
    """The folder with the counts of a program that was run once without words."""
    if not (shutil.which("gcov") and shutil.which(os.environ.get("CC", "gcc"))):
        pytest.skip("gcov or the compiler that it belongs to is not there")
    folder = tmp_path / "build" / "coverage"
    folder.mkdir(parents=True)
    (tmp_path / "mlp_c").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "mlp_c" / "few.c").write_text(SOURCE)
    compiler = os.environ.get("CC", "gcc")
    subprocess.run([compiler, "-O0", "--coverage", "../../mlp_c/few.c", "-o", "few"], cwd=folder, check=True)
    subprocess.run([folder / "few"], cwd=folder, check=True)
    monkeypatch.setattr(coverage, "ROOT", tmp_path)
    return folder


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        ("group = []", NEVER),
        (LISTED.format("if (n > 1) {"), ""),
        (LISTED.format("if (n > 1) {").replace("[1,", "[2,", 1), "1 listed, but taken or gone: if (n > 1) {"),
        (LISTED.format("(void)words;"), "1 listed, but taken or gone: (void)words;"),
        (LISTED.format("if (n > 2) {"), "1 listed, but taken or gone: if (n > 2) {"),
    ],
    ids=["not listed", "listed", "listed more often", "no branch", "no such line"],
)
def test_each_branch_is_taken_or_listed_and_no_other_is(counts, capsys, listed, wrong):
    (counts.parents[1] / "tools" / "branches.toml").write_text(listed)
    found = coverage.main(counts)
    assert "2 of 4 branches taken: 50.0%" in capsys.readouterr().out
    assert wrong in found if wrong else found == ""
