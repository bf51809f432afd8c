"""pytest --pyargs nnz.conformance, as a stranger runs it: from an empty folder, in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def conformance(folder, *words):
    """pytest from an empty folder, in a process of its own, as a stranger would run it."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--pyargs", "nnz.conformance"]
    result = subprocess.run([*command, *words], cwd=folder, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def test_pytest_grades_a_backend_from_an_empty_folder_one_item_a_check_and_dtype(tmp_path):
    code, text = conformance(tmp_path, "--backend", "nnz.numpy", "--rounds", "1", "-k", "linear or sgd")
    assert code == 0, text
    assert "28 passed" in text


def test_pytest_fails_what_is_not_there_unless_it_is_an_xfail_and_an_xfail_that_passes(tmp_path):
    (tmp_path / "partial.py").write_text("from nnz.numpy import MLP\n")
    known = tmp_path / "known"
    known.write_text("linear/*  # has no ops\nmlp/backward twice[float32]  # it does pass\n")
    words = ("--backend", "partial", "--rounds", "1", "-k", "linear or twice", "--xfails", str(known))
    code, text = conformance(tmp_path, *words)
    assert code == 1
    assert "11 failed, 1 passed" in text
    assert "8 xfailed" in text
    # pytest says each reason once more in its summary, in full where CI is set
    assert text.count("not there: it has no ops.linear_backward") in (8, 16)
    assert "XPASS(strict)" in text


def test_pytest_fails_where_every_check_is_an_xfail_and_none_passed(tmp_path):
    (tmp_path / "hollow.py").write_text("")
    known = tmp_path / "known"
    known.write_text("*  # nothing is written yet\n")
    code, text = conformance(tmp_path, "--backend", "hollow", "--rounds", "1", "-k", "linear", "--xfails", str(known))
    assert code == 1, text
    assert "18 xfailed" in text
    assert "nothing passed" in text


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "--backend MODULE"),
        (("--backend", "nobody.has.this"), "nobody.has.this"),
        (("--backend", "nnz.numpy", "--xfails", "known"), "matches no check"),
    ],
    ids=["no backend", "an unknown backend", "an xfail that matches nothing"],
)
def test_pytest_does_not_pass_for_being_asked_wrongly(tmp_path, words, named):
    (tmp_path / "known").write_text("swish/*  # there is none\n")
    code, text = conformance(tmp_path, *words)
    assert code not in (0, 5)
    assert named in text
