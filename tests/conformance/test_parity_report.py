"""What `nnz parity` prints of a failure: what to mend first, why, where; and what is no news."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.students import MISTAKES, write

from nnz.backend import by_path, registry
from nnz.commands.main import main
from nnz.conformance import printed
from nnz.conformance.bounds.compare import compare
from nnz.conformance.bounds.in_words import in_words
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.explained import explained
from nnz.conformance.grading import grade
from nnz.conformance.isolated.remote import IsolatedBackend
from nnz.conformance.report import FAILED, Result


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """Grade a student with one of MISTAKES, in this process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)

    def report(mistake, levels, dtypes=("float64",), rounds=1):
        (folder,) = write(tmp_path, [mistake])
        return grade(f"{folder.name}/", levels, dtypes, rounds, each=explained)

    return report


def line_of(file, text):
    lines = Path("student_00", file).read_text().splitlines()
    return 1 + next(i for i, line in enumerate(lines) if text in line)


def first_lines(report):
    return printed.summary(report).splitlines()


def test_the_first_five_lines_say_points_by_level_what_to_mend_why_and_where(graded):
    report = graded("bias gradient of all rows but the last", ["linear", "linear_backward"])
    points, bar, mend, why, where = first_lines(report)
    assert points.startswith("student_00/: 4 of 8 ")
    assert bar.split()[:3] == ["by", "level", "█·"]
    assert mend == "mend first  linear_backward: backward, float64"
    assert why.startswith("why         db is ")
    assert " where " in why
    assert " times the derived bound" in why
    assert why.endswith("likely cause: the last row is ignored")
    line = line_of("ops.py", "def linear_backward")
    assert where == f"where       student_00/ops.py:{line}  linear_backward"


def test_a_right_backend_has_nothing_to_mend_and_a_line_a_level(graded):
    report = graded("nothing", ["linear", "tanh"])
    assert len(first_lines(report)) == 2
    assert [line.split()[0] for line in printed.levels(report).splitlines()] == ["linear", "tanh"]


def test_a_failure_shows_only_the_tensors_outside_their_bounds(graded):
    report = graded("bias gradient of all rows but the last", ["linear_backward"])
    rows = [line for line in printed.details(report.results[0]) if not line.startswith(" ")]
    assert [row.split()[3] for row in rows] == ["db"]


@pytest.mark.parametrize(
    ("mistake", "level", "cause"),
    [
        ("tanh' is 1 - y", "tanh_backward", "tanh' is 1 - y instead of 1 - y^2"),
        ("no maximum", "cross_entropy", "log-sum-exp"),
        ("log of softmax", "cross_entropy", "log-sum-exp"),
        ("no mean over the batch", "cross_entropy_backward", "the mean over the batch is missing"),
        ("accumulation lost", "embedding_backward", "accumulation lost"),
        ("weight not transposed", "linear", "a transposed weight"),
        ("bias forgotten", "linear", "the bias is not added"),
        ("unbiased variance", "batch_norm", "divided by n - 1 instead of n"),
        ("biased running variance", "batch_norm", "it must have n - 1"),
        ("gradient of the wrong weight", "mlp", "a factor of 2"),
    ],
)
def test_the_likely_cause_is_named(mistake, level, cause, graded):
    first = graded(mistake, [level], rounds=3).first_to_mend()
    assert cause in first.cause, (first.reason, first.cause)


def test_a_mistake_in_the_gpt_is_not_the_cause_of_a_wrong_training():
    nn, wrong = registry.load("numpy"), ModuleType("wrong")
    wrong.ops, wrong.MLP = nn.ops, nn.MLP
    wrong.GPT = type("GPT", (nn.GPT,), {"_norm_forward": lambda self, x, name: (x, x)})
    wrong.AdamW = type("AdamW", (nn.AdamW,), {"_update": lambda self, p, m, v, g: nn.AdamW._update(self, p, m, v, -g)})
    measured = compare("wte", np.ones(1), np.zeros(1), np.zeros(1), "float64")
    result = Result("training", "each of 100 steps", "float64", FAILED, "", (measured,))
    assert explained(BackendUnderTest(wrong), result).cause.endswith("after step 1 of AdamW")


@pytest.mark.slow
def test_one_mistake_is_news_once(graded):
    levels = ["embedding_backward", "linear_backward", "tanh_backward", "layers", "mlp", "training", "checkpoint"]
    report = graded("bias gradient of all rows but the last", levels)
    news = [(r.level, r.check) for r in report.failed if not r.because]
    assert news == [("linear_backward", "backward")]
    assert len(report.failed) > 10
    assert {r.because for r in report.failed if r.level == "mlp"} == {"linear_backward"}
    lines = {line.split()[0]: line for line in printed.levels(report).splitlines()}
    assert lines["training"].endswith("fails because linear_backward fails")
    assert "because" not in lines["linear_backward"]


def test_a_mistake_of_the_model_itself_is_news_though_an_op_fails_in_odd_layouts_only(graded, monkeypatch):
    def in_c_order(function):
        return lambda x, w, b: function(x.ravel("K").reshape(x.shape), w, b)

    real = by_path.load

    def load(word):
        module = real(word)
        module.ops.linear_forward = in_c_order(module.ops.linear_forward)
        return module

    monkeypatch.setattr(by_path, "load", load)
    report = graded("ids not checked", ["linear", "mlp"])
    assert [r.check for r in report.failed if not r.because] == ["any layout", "refuses bad ids"]


def test_a_forward_that_keeps_its_batch_is_told_to_copy_it(graded):
    first = graded("batch kept", ["mlp"]).first_to_mend()
    assert first.check == "arguments unchanged"
    assert first.where == f"student_00/model.py:{line_of('model.py', 'def backward')}  MLP.backward"
    assert first.reason.startswith("the batch was overwritten after the forward")
    assert first.reason.endswith("copy it in the forward")


def test_an_exception_is_shown_with_its_line(graded):
    first = graded("an exception", ["embedding"]).first_to_mend()
    assert first.reason == "embedding_forward: NameError: name 'idx' is not defined"
    line = line_of("ops.py", "wte[idx]")
    assert first.where == f"student_00/ops.py:{line}  embedding_forward"


def test_what_is_not_written_yet_is_what_to_write_next(graded):
    report = graded("not written yet", ["tanh", "tanh_backward"])
    assert first_lines(report)[2] == "write next  tanh_backward: backward, float64"


@pytest.mark.parametrize("mistake", ["does not import", "a syntax error", "an exit at import"])
@pytest.mark.parametrize("how", [[], ["--in-process"]], ids=["isolated", "in process"])
def test_a_module_that_does_not_import_is_told_so_once(mistake, how, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (folder,) = write(tmp_path, [mistake])
    assert main(["parity", folder.name + "/", *how]) == 1
    out, err = capsys.readouterr()
    _, _, mend, why, where = out.strip().splitlines()
    assert mend == "mend first  the import"
    assert {"does not import": "nobody_has", "a syntax error": "SyntaxError"}.get(mistake, "SystemExit") in why
    assert "student_00" in where
    assert len(err.splitlines()) == 1


def test_in_its_own_process_the_place_and_the_cause_are_the_same(graded, tmp_path):
    here = graded("tanh' is 1 - y", ["tanh_backward"])
    with IsolatedBackend("student_00/") as backend:
        there = grade(backend, ["tanh_backward"], ["float64"], 1, each=explained)
    assert here.first_to_mend() == there.first_to_mend()
    assert here.first_to_mend().where


def test_verbose_prints_each_result_before_the_next_check(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "import numpy as np\nclass ops: tanh_forward = staticmethod(np.tanh)\n"
    (tmp_path / "quick.py").write_text(text)
    seen = []
    real = grade.__globals__["grade_one"]

    def noting(*values):
        seen.append(capsys.readouterr().out)
        return real(*values)

    monkeypatch.setitem(grade.__globals__, "grade_one", noting)
    main(["parity", "quick.py", "--level", "tanh", "--in-process", "--verbose", "--rounds", "1"])
    assert all("tanh" in text for text in seen[1:])
    assert len(seen) > 2


@pytest.mark.parametrize(
    ("actual", "right", "words"),
    [
        (0.51, 0.073, "y is 7.0 times too large at [0]: 0.51 where 0.073 is right"),
        (0.073, 0.51, "y is 7.0 times too small at [0]: 0.073 where 0.51 is right"),
        (-0.5, 0.5, "y is of the wrong sign at [0]: -0.5 where 0.5 is right"),
        (1.0312, 1.0, "y is 3.1% too large at [0]: 1.03 where 1 is right"),
        (1.0000025, 1.0, "y is too large by 2.5e-06 of it at [0]: 1.0000025 where 1 is right"),
        (float("inf"), 2.0, "y at [0] is inf where 2 is right"),
    ],
)
def test_a_wrong_number_is_told_in_words(actual, right, words):
    found = compare("y", np.array([actual, 3.0]), np.array([right, 3.0]), np.full(2, 1e-9), "float64")
    assert in_words(found).startswith(words + "; ")


def test_every_mistake_of_the_class_is_one_that_changes_a_file():
    assert len(MISTAKES) > 30
    assert all(old for name, (_, old, _) in MISTAKES.items() if name != "nothing")
