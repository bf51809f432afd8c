"""The harness itself: what it grades, that it cannot pass by accident, and that the code of the right backend ran."""

import json
import math

import numpy as np
import pytest
from support import false_backends

from nnz.backend import registry, spec
from nnz.conformance import levels, printed
from nnz.conformance.bounds.compare import T2_LIMIT, T2_SEEN, U_PER_TERM
from nnz.conformance.bounds.rounding import unit_roundoff
from nnz.conformance.cases import wide
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.checks.mlp import RECIPE, recipe_size
from nnz.conformance.explained import op_function
from nnz.conformance.grading import CHECKS, GPT_LEVELS, GPT_PART, LEVELS, Report, grade
from nnz.conformance.report import FAILED, PASSED
from nnz.files.errors import UsageError

EVERY_OPERATION = {"embedding", "linear", "tanh", "cross_entropy", "batch_norm"}
BACKENDS = registry.names()
PARTS = {"ops": list(LEVELS[:10]), "mlp": ["layers", "mlp", "sgd", "adamw"]}
PARTS["use"] = ["training", "sampling", "checkpoint"]
PARTS["gpt"] = list(GPT_LEVELS)
RANDOM_SHAPES = 60
MOVES_ONLY = {"embedding/", "layers/Flatten", "layers/from the seed"}  # what is only moved is not rounded
each_backend = pytest.mark.parametrize("backend", BACKENDS)


@pytest.mark.slow
@each_backend
@pytest.mark.parametrize("part", PARTS)
def test_every_backend_of_the_project_meets_all_that_is_asked(backend, part):
    report = grade(backend, PARTS[part], rounds=1)
    assert [(r.name, r.reason) for r in report.results if not r.passed] == []
    assert report.ok
    assert {r.level for r in report.results} == set(PARTS[part])
    if part == "ops":
        ordinary = [m for r in report.results if r.check != "any size" for m in r.measurements]
        assert max(m.u_of_largest for m in ordinary if not math.isnan(m.t2_share)) <= T2_SEEN


LONG_SUMS = ("the recipe's size", "any size", "small batch after a large one")  # of more terms than random shapes have


@pytest.mark.slow
@each_backend
def test_in_many_random_shapes_t1_holds_and_errors_are_below_half_of_t2(backend):
    for dtype in levels.BOTH:
        report = grade(backend, ["mlp"], [dtype], rounds=RANDOM_SHAPES)
        assert report.ok, [r.reason for r in report.failed]
        pairs = [(result.check, m) for result in report.results for m in result.measurements]
        for check, m in pairs:
            assert m.share_of_bound <= 1, m
            if check not in LONG_SUMS and not math.isnan(m.t2_share):
                assert m.u_of_largest <= T2_SEEN < T2_LIMIT, m


def test_the_levels_are_those_of_the_issue_in_its_order():
    assert set(LEVELS[:5]) == EVERY_OPERATION
    assert {level.removesuffix("_backward") for level in LEVELS[5:10]} == EVERY_OPERATION
    assert LEVELS[10:] == ("layers", "mlp", "initial_weights", "sgd", "adamw", "training", "sampling", "checkpoint")
    assert {check.level for check in CHECKS} == set(LEVELS)
    assert len({(check.level, check.name) for check in CHECKS}) == len(CHECKS)


def test_the_gpts_levels_are_its_operations_and_the_model():
    functions = spec.FUNCTIONS.keys() - spec.MLP_FUNCTIONS.keys()
    operations, model = GPT_LEVELS[: len(functions)], GPT_LEVELS[len(functions) :]
    assert {op_function(level) for level in operations} == functions
    assert model == ("gpt_layers", "gpt", "gpt_initial_weights", "gpt_cache")


@pytest.mark.slow
def test_a_backend_without_the_gpts_operations_is_graded_on_the_mlps_and_that_is_said():
    report = grade(false_backends.backend(false_backends.FILLS["zeros"]), dtypes=["float32"], rounds=1)
    assert report.skipped == (GPT_PART,)
    assert {r.level for r in report.results} == set(LEVELS)
    assert f", {GPT_PART} skipped" in printed.summary(report)


@pytest.mark.slow
def test_every_check_measures_something_in_every_dtype_it_is_asked_in():
    quick = [check for check in CHECKS if check.level != "training"]
    report = grade("numpy", {check.level for check in quick}, rounds=1)
    assert report.asked == sum(len(check.dtypes) for check in quick)
    for result in report.results:
        assert result.measurements, result.name
        if result.dtype == "float32" and not result.name.startswith(tuple(MOVES_ONLY)):
            assert any(m.max_error > 0 for m in result.measurements), result.name


@pytest.mark.slow
def test_the_same_seed_draws_the_same_cases_whatever_else_is_graded():
    alone = grade("numpy", ["tanh_backward"], ["float32"], rounds=3, seed=7).results[0]
    report = grade("numpy", ["tanh", "tanh_backward", "embedding"], rounds=3, seed=7)
    among = next(r for r in report.results if r.name == alone.name)
    other = grade("numpy", ["tanh_backward"], ["float32"], rounds=3, seed=8).results[0]
    assert alone.measurements == among.measurements
    assert alone.measurements != other.measurements


def test_nothing_asked_is_nothing_met():
    assert not grade("numpy", levels=[]).ok
    assert not Report("nobody", ()).ok
    assert grade("numpy", levels=[]).summary() == "0 of 0"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"levels": ["swish"]}, "swish"), ({"dtypes": ["bfloat16"]}, "bfloat16"), ({"rounds": 0}, "rounds")],
)
def test_what_is_asked_wrongly_is_refused_by_name(arguments, named):
    with pytest.raises(UsageError, match=named):
        grade("numpy", **arguments)


def test_a_level_is_graded_though_one_below_it_failed_and_says_so(monkeypatch):
    monkeypatch.setattr("nnz.numpy.ops.tanh_forward", lambda x: x)
    report = grade("numpy", ["tanh", "tanh_backward", "linear"], ["float64"], rounds=1)
    outcomes = {(r.level, r.check): (r.outcome, r.because) for r in report.results}
    assert outcomes["tanh", "forward"] == (FAILED, "")
    assert outcomes["tanh_backward", "backward"] == (PASSED, "")
    assert outcomes["linear", "forward"] == (PASSED, "")


def test_a_report_says_which_files_ran():
    origins = {name: grade(name, ["embedding"], rounds=1).origin for name in BACKENDS}
    assert {origin["module"] for origin in origins.values()} == set(registry.modules())
    assert len({origin["file"] for origin in origins.values()}) == len(BACKENDS)
    assert [name for name in BACKENDS if origins[name]["shared_objects"]] == ["c"]


def test_a_report_in_json_is_plain_and_keeps_every_figure():
    report = grade("numpy", ["tanh", "training"], ["float64"], rounds=1)
    content = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert (content["met"], content["asked"], content["ok"]) == (report.met, report.asked, True)
    figures = content["results"][0]["measurements"][0]
    assert figures["share_of_bound"] == report.results[0].measurements[0].share_of_bound
    assert content["results"][-1]["measurements"][0]["t2_share"] is None
    assert math.isnan(report.results[-1].measurements[0].t2_share)


@pytest.mark.parametrize("dtype", levels.BOTH)
@pytest.mark.parametrize("tensor", ["logits", "fc1.weight", "fc2.weight"])
def test_at_the_size_of_the_recipe_one_wrong_number_is_caught(monkeypatch, tensor, dtype):
    """1e-4 of the largest logit in float32, 1e-13 in float64: far inside T1."""
    module, model = registry.load("numpy"), registry.load("numpy").MLP
    off = 2 * U_PER_TERM * RECIPE["H"] * unit_roundoff(dtype)

    class Wrong(model):
        def __call__(self, inputs, targets=None):
            logits, loss = super().__call__(inputs, targets)
            return self.spoilt("logits", logits), loss

        def backward(self):
            return {name: self.spoilt(name, gradient) for name, gradient in super().backward().items()}

        def spoilt(self, name, array):
            array = array.copy()
            if name == tensor:
                array[-1, -1] += off * np.abs(array).max()
            return array

    monkeypatch.setattr(module, "MLP", Wrong)
    rng = np.random.default_rng(1)
    (found,) = recipe_size(BackendUnderTest("numpy"), dtype, rng, 1)
    wrong = [m for m in found if not m.ok]
    assert [m.name.removeprefix("d") for m in wrong] == [tensor]
    assert wrong[0].reason.startswith("T2")


def test_no_drawn_array_has_more_numbers_than_is_soon_computed():
    rng = np.random.default_rng(1)
    drawn = [wide.drawn_sizes(rng, "embedding_backward") for _ in range(300)]
    assert max(n["B"] * n["T"] * n["E"] for n in drawn) <= wide.MOST_NUMBERS
    assert max(n["B"] * n["T"] for n in drawn) > 1024
