"""nnz new-backend: a package of stubs that gets 0 of m, and more with each op that is filled in."""

import errno
import importlib
import os
import sys

import pytest
from support.built_program import ROOT

from nnz.backend import registry, spec
from nnz.commands.main import main
from nnz.conformance.grading import CHECKS, GPT_CHECKS, grade
from nnz.conformance.report import NOT_THERE

pytestmark = pytest.mark.slow

ASKED = sum(len(check.dtypes) for check in CHECKS)
OPTIMIZERS = """
from nnz.backend import optimizers

from . import ops

SGD, AdamW = (
    type(kind.__name__, (kind,), {"ops_by_precision": {"native": ops}}) for kind in (optimizers.SGD, optimizers.AdamW)
)
"""
FILLED_IN = {
    "linear_forward": "return x @ w.T if b is None else x @ w.T + b",
    "tanh_forward": "return np.tanh(x)",
    "tanh_backward": "return dy * (1 - y * y)",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "my_backend"]:
        del sys.modules[name]


def fill_in(folder, function, body):
    """Put a body where the stub of a function raises."""
    path = folder / "my_backend" / "ops.py"
    head, found, tail = path.read_text().partition(f"def {function}(")
    assert found
    path.write_text(head + found + tail.replace("raise NotImplementedError", body, 1))


def graded():
    """Grade the package as it is in the file now."""
    for name in [name for name in sys.modules if name.split(".")[0] == "my_backend"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    return grade("my_backend", rounds=1)


def test_as_written_it_gets_nothing_and_nothing_breaks(here, capsys):
    assert main(["new-backend", "my_backend"]) == 0
    assert main(["parity", "my_backend", "--rounds", "1"]) == 1
    out, err = capsys.readouterr()
    assert f"my_backend: 0 of {ASKED}" in out
    assert err == f"nnz: parity failed: my_backend 0 of {ASKED}\n"
    assert {r.outcome for r in graded().results} == {NOT_THERE}


def test_each_op_done_raises_the_grade_by_its_own_level(here, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two versions of a file within a second look alike to it
    main(["new-backend", "my_backend"])
    expected = set()
    for function, body in FILLED_IN.items():
        fill_in(here, function, body)
        expected.add(function.removesuffix("_forward"))
        report = graded()
        assert {r.level for r in report.results if r.passed} == expected
        assert report.met == sum(len(check.dtypes) for check in CHECKS if check.level in expected)
        assert report.failed == ()


def test_it_has_every_function_of_the_spec_with_its_arguments_formula_and_shapes(here):
    main(["new-backend", "my_backend"])
    ops = importlib.import_module("my_backend.ops")
    for name, function in spec.MLP_FUNCTIONS.items():
        stub = getattr(ops, name)
        assert stub.__code__.co_varnames[: stub.__code__.co_argcount] == function.python_arguments
        assert " ".join(stub.__doc__.split()).startswith(" ".join(function.summary.split()))
        with pytest.raises(NotImplementedError):
            stub(*function.python_arguments)


def test_its_readme_says_how_to_grade_it_and_names_every_level(here):
    main(["new-backend", "my_backend"])
    text = (here / "my_backend" / "README.md").read_text()
    assert f"nnz parity my_backend                       # now: 0 of {ASKED}" in text
    assert all(f"- `{check.level}`: " in text and check.name in text for check in CHECKS)


def test_a_name_that_is_nearly_that_of_a_folder_here_is_asked_about(here, capsys):
    main(["new-backend", "my_backend"])
    assert main(["parity", "mybackend"]) == 2
    assert "unknown backend 'mybackend'; did you mean 'my_backend'? known: c, numpy, torch" in capsys.readouterr().err


def test_nothing_is_overwritten_and_an_empty_folder_is_filled(here, capsys):
    (here / "my_backend").mkdir()
    assert main(["new-backend", "my_backend"]) == 0
    before = (here / "my_backend" / "ops.py").read_bytes()
    assert main(["new-backend", "my_backend"]) == 1
    assert (here / "my_backend" / "ops.py").read_bytes() == before
    (here / "a_file").write_text("")
    assert main(["new-backend", "a_file"]) == 1
    assert "not empty" in capsys.readouterr().err
    (here / "to_itself").symlink_to("to_itself")
    assert main(["new-backend", "to_itself"]) == 1
    assert main(["parity", "./to_itself"]) == 2
    assert capsys.readouterr().err.count("a bug") == 0


def test_on_a_full_disk_nothing_is_left_that_is_in_the_way_of_the_next_attempt(here, capsys, monkeypatch):
    replace, done = os.replace, []

    def full(*names: str) -> None:
        if len(done) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(replace(*names))

    monkeypatch.setattr(os, "replace", full)
    assert main(["new-backend", "my_backend"]) == 1
    assert "my_backend/layers.py: No space left" in capsys.readouterr().err
    assert os.listdir("my_backend") == []
    monkeypatch.setattr(os, "replace", replace)
    assert main(["new-backend", "my_backend"]) == 0


@pytest.mark.parametrize("name", ["my-backend", "2nd", "torch", "json", "class"])
def test_a_name_that_cannot_be_imported_or_means_something_else_is_refused(here, name, capsys):
    assert main(["new-backend", name]) == 2
    assert name in capsys.readouterr().err
    assert not (here / name).exists()


@pytest.mark.slow
def test_the_layers_over_ones_own_operations_are_the_block_in_the_page(here, monkeypatch):
    page = (ROOT / "docs" / "new-backend.md").read_text(encoding="utf-8")
    block = page.partition("```python\n")[2].partition("```")[0]
    main(["new-backend", "my_backend"])
    (here / "my_backend" / "layers.py").write_text(block)
    (here / "my_backend" / "optimizers.py").write_text(OPTIMIZERS)
    functions = {name: getattr(registry.load("numpy").ops, name) for name in spec.MLP_FUNCTIONS}
    ops = importlib.import_module("my_backend.ops")
    for name, function in functions.items():
        monkeypatch.setattr(ops, name, function)
    report = grade("my_backend", ["layers", "sgd", "adamw"], ["float64"], rounds=1)
    assert [(r.name, r.reason) for r in report.results if not r.passed] == []


def test_the_stub_and_the_pages_begin_at_the_same_operation(here):
    main(["new-backend", "my_backend"])
    texts = [(here / "my_backend" / "README.md").read_text()]
    texts += [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("new-backend.md", "protocol.md")]
    for text in texts:
        assert "tart with `tanh_forward`" in text
        assert "--level tanh" in text


def test_with_the_gpt_every_level_of_it_is_asked_and_none_is_met(here):
    assert main(["new-backend", "my_backend", "--gpt"]) == 0
    ops = importlib.import_module("my_backend.ops")
    assert all(hasattr(ops, name) for name in spec.FUNCTIONS)
    text = (here / "my_backend" / "README.md").read_text()
    assert all(f"- `{check.level}`: " in text and check.name in text for check in (*CHECKS, *GPT_CHECKS))
    report = grade("my_backend", rounds=1)
    assert report.asked == sum(len(check.dtypes) for check in (*CHECKS, *GPT_CHECKS))
    assert {r.outcome for r in report.results} == {NOT_THERE}
