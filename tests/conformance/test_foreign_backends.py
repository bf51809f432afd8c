"""Backends that the project never saw: correct ones are graded like ours, false ones pass nowhere."""

import re
from types import ModuleType

import numpy as np
import pytest
from support import false_backends, plain_lists

from nnz.backend import initial, registry
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.checks.ops import CALLS
from nnz.conformance.diff.first_difference import compare_backends
from nnz.conformance.grading import BOTH, LEVELS, ROUNDS, grade
from nnz.conformance.report import NOT_THERE

pytestmark = pytest.mark.slow

NOT_IN_PLAIN_LISTS = {"batch_norm", "batch_norm_backward", "layers", "sgd"}
QUICK = [level for level in LEVELS if level != "training"]


@pytest.mark.parametrize("fill", false_backends.FILLS)
def test_a_backend_that_computes_nothing_passes_nowhere(fill):
    report = grade(false_backends.backend(false_backends.FILLS[fill]), rounds=2)
    assert [r.name for r in report.results if r.passed] == []
    assert report.asked > 0
    assert report.missing == ()
    assert not report.ok
    assert all(r.reason for r in report.results)


def test_an_empty_module_is_not_there_and_not_passed():
    report = grade(ModuleType("empty"), rounds=1)
    assert {r.outcome for r in report.results} == {NOT_THERE}
    assert report.summary() == f"0 of {report.asked}"
    assert not report.ok


@pytest.mark.slow
def test_a_backend_of_plain_lists_passes_what_it_has_and_nothing_else():
    report = grade(plain_lists, QUICK, rounds=1)
    assert report.failed == ()
    assert {r.level for r in report.missing} == NOT_IN_PLAIN_LISTS | {"mlp", "adamw"}
    assert {r.check for r in report.missing if r.level == "mlp"} == {"intermediates"}
    assert {r.check for r in report.results if r.level == "adamw" and r.passed} == {"nn.AdamW"}
    assert {r.level for r in report.results if r.passed} == set(QUICK) - NOT_IN_PLAIN_LISTS


@pytest.mark.slow
def test_a_backend_in_plain_lists_trains_a_hundred_steps_like_the_oracle():
    assert grade(plain_lists, ["training"]).ok


def test_a_backend_without_ops_is_graded_by_its_mlp():
    module = ModuleType("only_an_mlp")
    module.MLP = registry.load("numpy").MLP
    report = grade(module, ["linear", "mlp"], rounds=1)
    assert {r.level for r in report.missing} == {"linear"}
    assert {r.level for r in report.results if r.passed} == {"mlp"}


def planted(monkeypatch, *names):
    """The same bug in each of these backends: the gradient of the logits divided by B - 1."""
    for name in names:
        nn = registry.load(name)

        class Wrong(nn.MLP):
            def backward(self):
                B = len(self.intermediates()["emb"])
                return {key: g * (B / (B - 1)) for key, g in super().backward().items()}

        monkeypatch.setattr(nn, "MLP", Wrong)


def test_two_wrong_backends_that_agree_both_fail(monkeypatch):
    planted(monkeypatch, "numpy", "torch")
    for name in ("numpy", "torch"):
        report = grade(name, ["mlp"], ["float64"], rounds=1)
        assert "loss and gradients" in {r.check for r in report.failed}
        assert not report.ok
    difference = list(compare_backends(BackendUnderTest("numpy"), BackendUnderTest("torch"), "float64", seed=1))[
        -1
    ].difference
    assert difference.tensor == "dfc2.weight"
    assert min(difference.shares) > 1
    assert all("divided by B - 1" in cause for cause in difference.causes)


def writes_to_its_batch(self, inputs, targets=None):
    result = type(self).__mro__[1].__call__(self, inputs, targets)
    inputs[0] = 0
    return result


def test_writing_to_an_argument_fails_whatever_the_result():
    module = ModuleType("careless")
    module.MLP = type("MLP", (registry.load("numpy").MLP,), {"__call__": writes_to_its_batch})
    module.ops = ModuleType("careless.ops")
    module.ops.tanh_forward = lambda x: np.tanh(x, out=x)
    report = grade(module, ["tanh", "mlp", "sampling"], rounds=1)
    assert report.met == 0
    assert "wrote to an argument" in report.results[0].reason


def test_a_stale_gradient_is_found_by_the_check_meant_for_it():
    class Stale(registry.load("numpy").MLP):
        def backward(self):
            self.kept = getattr(self, "kept", None) or super().backward()
            return self.kept

    module = ModuleType("stale")
    module.MLP = Stale
    failed = {r.check for r in grade(module, ["mlp"], ["float64"], rounds=1).failed}
    assert failed == {"small batch after a large one", "calls in any order", "without targets"}


def test_a_second_backward_that_differs_is_found_by_the_check_meant_for_it():
    class Growing(registry.load("numpy").MLP):
        calls = 0

        def backward(self):
            self.calls += 1
            return {name: self.calls * g for name, g in super().backward().items()}

    module = ModuleType("growing")
    module.MLP = Growing
    failed = {r.check: r.reason for r in grade(module, ["mlp"], ["float64"], rounds=1).failed}
    assert "second backward() returns another" in failed["backward twice"]


def test_other_initial_weights_are_found_by_the_check_meant_for_it(monkeypatch):
    class Other(registry.load("numpy").MLP):
        def __init__(self, *args, **settings):
            super().__init__(*args, **settings)
            self._p["fc2.bias"][0] = np.nextafter(self._p["fc2.bias"][0], 1, dtype=self.dtype)

    module = ModuleType("other")
    module.MLP = Other
    (result,) = grade(module, ["mlp", "initial_weights"], ["float32"], rounds=1).failed
    assert (result.level, result.check) == ("initial_weights", "from the seed")
    assert re.fullmatch(
        r"fc2\.bias\[0\] is (\S+); nnz\.RNG\(\d+\) draws (\S+) \(1 of \d+ numbers differ\)", result.reason
    )
    shown, drawn = map(np.float32, re.findall(r"(?:is|draws) ([-\d.]+)", result.reason))
    assert np.nextafter(drawn, np.float32(1)) == shown
    assert list(initial.mlp_shapes(1, 1, 1, 1))[-1] == "fc2.bias"


def test_lists_of_float64_are_not_float32():
    module = ModuleType("too_exact")
    module.ops = ModuleType("too_exact.ops")
    module.ops.tanh_forward = lambda x: np.tanh(x.astype(np.float64)).tolist()
    found = grade(module, ["tanh"], rounds=1)
    assert {r.dtype for r in found.results if r.passed} == {"float64"}
    assert all("not float32" in r.reason for r in found.failed)
    assert found.failed


class Tired(registry.load("numpy").MLP):
    """Its gradients are zero after many calls."""

    calls = 0

    def backward(self):
        Tired.calls += 1
        return {name: g * (Tired.calls <= 200) for name, g in super().backward().items()}


class Shared(registry.load("numpy").MLP):
    """All models go back from the last forward of any of them."""

    last = None

    def __call__(self, inputs, targets=None):
        Shared.last = self
        return super().__call__(inputs, targets)

    def backward(self):
        return registry.load("numpy").MLP.backward(Shared.last or self)


@pytest.mark.slow
@pytest.mark.parametrize("cheat", [Tired, Shared])
def test_a_model_that_is_right_only_at_first_or_only_alone_is_found(cheat):
    module = ModuleType("cheat")
    module.MLP, module.AdamW = cheat, registry.load("numpy").AdamW
    assert "calls in any order" in {r.check for r in grade(module, ["mlp"]).failed}


def test_a_call_of_each_op_that_is_wrong_once_in_a_thousand_is_found():
    calls = 0

    def tanh_forward(x):
        nonlocal calls
        calls += 1
        return np.tanh(x) * (1 if calls % 1000 else 1.5)

    module = ModuleType("lazy")
    module.ops = ModuleType("lazy.ops")
    module.ops.tanh_forward = tanh_forward
    failed = [r for r in grade(module, ["tanh"]).failed if r.check == "forward"]
    assert all("in one call of" in r.reason for r in failed)
    assert {r.dtype for r in failed} == set(BOTH)


def test_one_in_a_thousand_at_random_is_found_with_95_percent():
    calls = len(BOTH) * CALLS * ROUNDS
    assert 1 - 0.999**calls > 0.95
