"""nnz parity: what it prints, and that it exits with 0 only when all is met."""

import json
import sys

import pytest
from support import false_backends

from nnz.commands.main import main
from nnz.conformance.environment import environment
from nnz.conformance.grading import selected

LEVELS = ["embedding", "tanh"]
QUICK = ["--level", "embedding", "--level", "tanh", "--rounds", "1", "--in-process"]
ASKED = len(selected(LEVELS))
ALL, NONE, HALF = f"{ASKED} of {ASKED}", f"0 of {ASKED}", f"{ASKED // 2} of {ASKED}"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, with what it adds to the search path taken back afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def parity(capsys, *words):
    code = main(["parity", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_three_backends_are_graded_unless_others_are_named(capsys):
    code, out, err = parity(capsys, *QUICK)
    assert (code, err) == (0, "")
    found = [line.partition("  ")[0] for line in out.splitlines() if ALL in line]
    assert found == [f"{name}: {ALL}" for name in ("c", "numpy", "torch")]


def test_verbose_prints_a_line_per_tensor_with_its_error_and_its_shares(capsys):
    words = ["--level", "linear_backward", "--dtype", "float32", "--rounds", "2", "--verbose"]
    _, out, _ = parity(capsys, "numpy", *words)
    header, *rows = [line for line in out.splitlines() if "any" not in line][:4]
    assert header.split() == ["level", "check", "dtype", "tensor", "error,", "u", "of", "T1", "of", "T2", "outcome"]
    assert [row.split()[3] for row in rows] == ["dx", "dw", "db"]
    for row in rows:
        error, t1, t2, outcome = row.split()[4:]
        assert outcome == "passed"
        assert float(error) > 0
        assert 0 < float(t1.rstrip("%")) <= 100
        assert 0 < float(t2.rstrip("%")) <= 100


def test_a_backend_that_falls_short_exits_with_1_and_one_line_that_says_by_how_much(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "zeros_backend", false_backends.backend(false_backends.FILLS["zeros"]))
    code, out, err = parity(capsys, "numpy", "zeros_backend", *QUICK)
    assert code == 1
    assert err == f"nnz: parity failed: zeros_backend {NONE}\n"
    assert f"zeros_backend: {NONE}" in out
    assert f"numpy: {ALL}" in out


def test_a_backend_that_cannot_be_imported_is_not_there_and_the_others_are_graded(capsys, here):
    (here / "broken_backend.py").write_text("import a_module_that_nobody_has\n")
    (here / "quitting_backend.py").write_text("raise SystemExit(0)\n")
    code, out, err = parity(capsys, "broken_backend", "quitting_backend", "numpy", *QUICK)
    assert code == 1
    assert f"broken_backend: {NONE}" in out
    assert f"quitting_backend: {NONE}" in out
    assert f"numpy: {ALL}" in out
    assert "a_module_that_nobody_has" in out
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["torhc"], "did you mean 'torch'"),
        (["my-backend"], "my-backend"),
        (["numpy", "--level", "tnah"], "did you mean 'tanh'"),
        (["numpy", "--dtype", "float16"], "float16"),
        (["numpy", "--rounds", "0"], "rounds"),
        (["numpy", "--rounds", "many"], "many"),
    ],
)
def test_what_is_asked_wrongly_exits_with_2_and_is_named(capsys, words, named):
    code, out, err = parity(capsys, *words)
    assert (code, out) == (2, "")
    assert named in err


@pytest.mark.slow
def test_json_has_every_figure_and_what_it_ran_on(capsys, here):
    assert parity(capsys, "numpy", *QUICK, "--json", "grade.json")[0] == 0
    code, out, _ = parity(capsys, "numpy", *QUICK, "--json", "-")
    assert code == 0
    for content in (json.loads(out), json.loads((here / "grade.json").read_text())):
        assert content["ok"] is True
        (report,) = content["reports"]
        assert (report["backend"], report["met"], report["asked"]) == ("numpy", ASKED, ASKED)
        assert report["origin"]["file"].endswith("__init__.py")
        assert set(report["results"][0]["measurements"][0]) > {
            "name",
            "share_of_bound",
            "u_of_largest",
            "ulp_of_largest",
            "t2_share",
        }
        assert set(content["environment"]) == {"date", "cpu", "cores", "system", "python", "versions", "thread_pools"}
        assert {"numpy", "nnz"} <= set(content["environment"]["versions"])


def test_the_environment_names_the_blas_and_its_threads():
    pools = environment()["thread_pools"]
    assert [pool for pool in pools if pool["user_api"] == "blas" and pool["num_threads"] >= 1]


def test_an_xfail_excuses_what_fails(capsys, here, monkeypatch):
    monkeypatch.setattr("nnz.numpy.ops.tanh_forward", lambda x: x)
    (here / "known").write_text("# known\n\ntanh/*  # tanh is the identity here\n")
    code, out, err = parity(capsys, "numpy", *QUICK, "--xfails", "known")
    assert (code, err) == (0, "")
    assert f"numpy: {HALF}, {ASKED // 2} expected failures" in out
    assert f"{ASKED // 2} as expected" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("tanh/forward[float32]  # it was broken once", "passes, though an xfail says otherwise"),
        ("swish/*  # there is none", "matches no check"),
    ],
)
def test_an_xfail_that_passes_or_matches_nothing_is_a_failure(capsys, here, line, complaint):
    (here / "known").write_text(f"{line}\n")
    code, _, err = parity(capsys, "numpy", *QUICK, "--xfails", "known")
    assert code == 1
    assert complaint in err


def test_an_xfail_needs_a_reason_and_its_file_must_be_there(capsys, here):
    (here / "known").write_text("tanh/*\n")
    assert parity(capsys, "numpy", "--xfails", "known")[0] == 2
    assert parity(capsys, "numpy", "--xfails", "nowhere")[0] == 1


def test_a_backend_whose_every_failure_is_excused_has_met_nothing(capsys, here):
    (here / "empty_backend.py").write_text("")
    (here / "known").write_text("*  # nothing is done yet\n")
    code, _, err = parity(capsys, "empty_backend", *QUICK, "--xfails", "known")
    assert code == 1
    assert NONE in err


def test_explain_prints_the_kill_matrix(capsys):
    code, out, _ = parity(capsys, "--explain")
    assert code == 0
    assert out.startswith("# The kill matrix\n")
    assert "| mutant " in out


@pytest.mark.slow
def test_what_was_drawn_can_be_drawn_again_by_the_seed_that_is_printed(capsys, tmp_path):
    def graded(*words):
        main(["parity", "numpy", *QUICK, *words, "--json", str(tmp_path / "grade.json")])
        content = json.loads((tmp_path / "grade.json").read_text())
        return content, f"The cases were drawn with --seed {content['seed']}." in capsys.readouterr().out

    first, other = graded(), graded()
    again = graded("--seed", str(first[0]["seed"]))
    assert [is_printed for _, is_printed in (first, other, again)] == [True, True, False]
    found = [content for content, _ in (first, other, again)]
    figures = [[r["measurements"] for r in content["reports"][0]["results"]] for content in found]
    assert figures[0] == figures[2] != figures[1]


def test_quick_and_thorough_are_few_and_many_rounds(monkeypatch):
    asked = []
    monkeypatch.setattr("nnz.commands.parity.one.grade", lambda jobs, given: asked.append(given.rounds) or ([], [], {}))
    for words in (["--quick"], [], ["--thorough"]):
        main(["parity", "numpy", *words, "--seed", "1"])
    assert asked == sorted(asked)
    assert len(set(asked)) == 3


def test_two_results_do_not_go_to_one_file(tmp_path, capsys):
    (tmp_path / "link").symlink_to(tmp_path / "grades")
    words = ["parity", "numpy", "--level", "tanh", "--rounds", "1", "--json", str(tmp_path / "grades")]
    for name in ("grades", "link", "../" + tmp_path.name + "/grades"):
        assert main([*words, "--csv", str(tmp_path / name)]) == 2
        assert "name two files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
