"""The backend that was asked for is the one that ran: poison it, and its grade falls; no other's does."""

import pytest

from nnz.backend import registry
from nnz.conformance.grading import grade

BACKENDS = registry.names()


def poisoned(function):
    """The function with its result a thousandth too large; what answers in place is left as it is."""

    def wrapped(*arguments, **settings):
        result = function(*arguments, **settings)
        return result * 1.001 if hasattr(result, "dtype") else result

    return wrapped


def poisoned_kernel(kernel):
    """nnz.c's way to its kernels, with one kernel poisoned: what it writes first is a thousandth too large."""

    def find(name, dtype, kernels):
        function = kernel(name, dtype, kernels)
        if name != "mlp_forward":
            return function

        def call(model, logits, *rest):
            status = function(model, logits, *rest)
            logits[0] *= 1.001
            return status

        return call

    return find


POISONS = {
    "numpy": (lambda nn: nn.MLP.ops_by_precision["native"], "linear_forward", poisoned),
    "torch": (lambda nn: nn.MLP.ops_by_precision["native"], "linear_forward", poisoned),
    "c": (lambda nn: nn.binding.mlp, "kernel", poisoned_kernel),
}


@pytest.mark.slow
@pytest.mark.parametrize("victim", POISONS)
def test_poisoning_a_kernel_drops_the_grade_of_its_backend_and_of_no_other(victim, monkeypatch):
    place, attribute, poison = POISONS[victim]
    place = place(registry.load(victim))
    before = dict.fromkeys(BACKENDS, grade("numpy", ["mlp"], ["float64"], rounds=1).asked)  # as test_grading shows
    monkeypatch.setattr(place, attribute, poison(getattr(place, attribute)))
    after = {name: grade(name, ["mlp"], ["float64"], rounds=1).met for name in BACKENDS}
    assert after[victim] < before[victim]
    assert {n: after[n] for n in BACKENDS if n != victim} == {n: before[n] for n in BACKENDS if n != victim}


@pytest.mark.slow
@pytest.mark.parametrize("victim", BACKENDS)
def test_a_backend_that_quietly_hands_its_work_to_another_is_found_out(victim, monkeypatch):
    helper = "torch" if victim == "numpy" else "numpy"
    ours, theirs = registry.load(victim), registry.load(helper)
    monkeypatch.setattr(ours, "MLP", theirs.MLP)
    monkeypatch.setattr(ours.ops, "tanh_forward", lambda x: theirs.ops.tanh_forward(x))
    report = grade(victim, ["tanh", "linear", "mlp"], ["float64"], rounds=1)
    assert {r.level for r in report.results if r.passed} == {"linear"}
    assert all(f"nnz.{helper} ran" in r.reason for r in report.failed)
