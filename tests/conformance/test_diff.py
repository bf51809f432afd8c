"""nnz diff: the first tensor that differs, where, which of the two is off, and why that may be."""

import re

import numpy as np
import pytest
from support.planted_bugs import BUGS

from nnz.backend import registry
from nnz.commands.main import main
from nnz.conformance.cases.mlp import ordinary_case, overflowing_case
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.diff.first_difference import compare_batch
from nnz.conformance.diff.likely_cause import UNKNOWN, likely_cause
from nnz.conformance.diff.sources import COMPUTED_BY, source_of
from nnz.conformance.oracle import mlp as oracle


def diff(capsys, *words):
    code = main(["diff", *words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("pair", [("c", "numpy"), ("numpy", "torch"), ("torch", "c")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_between_two_right_backends_nothing_differs(capsys, pair, dtype):
    code, out, err = diff(capsys, *pair, "--dtype", dtype, "--seed", "3")
    assert (code, err) == (0, "")
    compared = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert compared == 2 * list(COMPUTED_BY)
    assert "first difference" not in out


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_named_with_its_place_and_its_usual_cause(capsys, monkeypatch, bug):
    function, wrong, tensor, cause = BUGS[bug]
    monkeypatch.setattr(registry.load("numpy").MLP.ops_by_precision["native"], function, wrong)
    code, out, err = diff(capsys, "torch", "numpy")
    assert code == 1
    assert f"first difference: {tensor}[" in out
    assert re.search(rf"likely cause: .*{re.escape(cause)}", out)
    assert "numpy differs from the oracle there" in err
    torch_state, numpy_state = [line for line in out.splitlines() if "its bound" in line]
    assert torch_state.split()[0] == "torch"
    assert torch_state.endswith("within its bound")
    assert numpy_state.split()[0] == "numpy"
    assert "times its bound" in numpy_state
    assert f"mlp_torch/ops/{source_stem(tensor)}.py:" in out
    assert f"mlp_numpy/ops/{source_stem(tensor)}.py:" in out


def source_stem(tensor):
    return COMPUTED_BY[tensor].removesuffix("_forward").removesuffix("_backward")


@pytest.mark.parametrize("tensor", COMPUTED_BY)
def test_the_source_named_is_the_line_where_the_function_is_defined(tensor):
    for backend, start in (("c", "void "), ("numpy", "def "), ("torch", "def ")):
        place, function = source_of(BackendUnderTest(backend), tensor).split("  ")
        path, line = place.rsplit(":", 1)
        with open(path, encoding="utf-8") as file:
            assert file.read().splitlines()[int(line) - 1].startswith(f"{start}{function}(")


def test_a_backend_without_intermediates_is_compared_by_loss_logits_and_gradients(monkeypatch, tmp_path, capsys):
    monkeypatch.delattr("nnz.backend.model.MLPBase.intermediates")
    code, out, _ = diff(capsys, "numpy", "torch")
    assert code == 0
    compared = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert compared[:7] == ["logits", "loss", "dfc2.weight", "dfc2.bias", "dfc1.weight", "dfc1.bias", "dwte"]


@pytest.mark.parametrize("size", [1, 2, 128])
def test_the_batch_may_be_of_any_size(capsys, size):
    code, out, _ = diff(capsys, "c", "torch", "--batch-size", str(size))
    assert code == 0
    assert f"(B {size}," in out


@pytest.mark.parametrize(
    "words", [["--dtype", "float16"], ["--seed", "-1"], ["--batch-size", "0"], ["--batch-size", "1000000"]]
)
def test_what_is_asked_wrongly_exits_with_2(capsys, words):
    assert diff(capsys, "c", "numpy", *words)[0] == 2


def test_a_backend_that_cannot_run_a_batch_is_one_line_and_not_a_traceback(capsys):
    code, _, err = diff(capsys, "numpy", "json")
    assert code == 1
    assert err == "nnz: could not run a batch through both: it has no MLP\n"


def test_the_second_batch_overflows_exp_and_the_first_does_not():
    for dtype in ("float32", "float64"):
        first = ordinary_case(5, dtype)
        second = overflowing_case(first, dtype)
        for case, overflows in ((first, False), (second, True)):
            logits = oracle.mlp(case.weights, case.inputs, case.targets)["logits"]
            assert bool(logits.max() > np.log(np.finfo(dtype).max)) == overflows


def test_what_has_no_usual_cause_is_said_to_have_none():
    case = ordinary_case(1, "float64")
    values = oracle.mlp(case.weights, case.inputs, case.targets)
    off = values["h_pre"] + np.random.default_rng(0).normal(size=values["h_pre"].shape)
    assert likely_cause("h_pre", off, values, case, "float64") == UNKNOWN


def test_every_tensor_of_the_oracle_is_compared_in_its_order():
    case = ordinary_case(2, "float64")
    compared = compare_batch(BackendUnderTest("numpy"), BackendUnderTest("torch"), case, "float64")
    names = [name for name, _ in compared.steps]
    assert names == list(oracle.mlp(case.weights, case.inputs, case.targets)) == list(COMPUTED_BY)
    assert compared.difference is None
