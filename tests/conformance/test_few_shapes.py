"""SHAPES = "few": a backend that compiles a program for every new shape is asked for few, with many values in each."""

from collections import defaultdict
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from nnz.backend import registry, spec
from nnz.conformance import printed
from nnz.conformance.cases.shapes import FEW, FewShapes, sizes_from
from nnz.conformance.grading import grade
from nnz.conformance.report import FAILED

ROUNDS = 8
OP_LEVELS = ["linear", "linear_backward", "tanh", "cross_entropy"]


def counting(shapes):
    """numpy's backend, which notes the shapes of each call of an operation and of the model."""
    numpy, seen = registry.load("numpy"), defaultdict(list)

    def noted(name, function):
        def call(*arguments):
            kinds = (np.dtype(getattr(a, "dtype", float)) for a in arguments)
            seen[name].append((tuple(map(np.shape, arguments)), *kinds))
            return function(*arguments)

        return call

    class MLP(numpy.MLP):
        def __call__(self, inputs, targets=None):
            given = {**self.parameters(), "inputs": inputs, "targets": targets}
            seen["mlp"].append(tuple(np.shape(array) for array in given.values()))
            return super().__call__(inputs, targets)

    module = ModuleType("counting")
    module.ops = SimpleNamespace(**{name: noted(name, getattr(numpy.ops, name)) for name in spec.MLP_FUNCTIONS})
    module.MLP, module.AdamW = MLP, numpy.AdamW
    if shapes:
        module.SHAPES = shapes
    return module, seen


def different_shapes(shapes):
    """How many different shapes each function gets, and how many calls."""
    module, seen = counting(shapes)
    report = grade(module, [*OP_LEVELS, "mlp"], ["float32"], rounds=ROUNDS)
    assert report.ok
    assert report.few_shapes == (shapes == "few") == ("of few shapes" in printed.summary(report))
    return {name: len(set(found)) for name, found in seen.items()}, {name: len(found) for name, found in seen.items()}


@pytest.mark.slow
def test_a_backend_that_asks_for_few_shapes_gets_few_and_as_many_calls():
    few, calls = different_shapes("few")
    any_, calls_of_any = different_shapes(None)
    assert calls.keys() == calls_of_any.keys()
    for name in few:
        assert few[name] < 0.75 * any_[name], (name, few, any_)
        assert few[name] < calls[name] / 2, name
    assert sum(calls.values()) == pytest.approx(sum(calls_of_any.values()), rel=0.2)


def test_the_numbers_still_differ_from_round_to_round_and_the_sizes_by_the_seed():
    rng = FewShapes([1, 2, 3])
    assert len({float(rng.normal()) for _ in range(ROUNDS)}) == ROUNDS
    sizes = {int(sizes_from(rng).integers(10**9)) for _ in range(ROUNDS)}
    assert len(sizes) == FEW
    assert sizes == {int(sizes_from(FewShapes([1, n])).integers(10**9)) for n in range(ROUNDS)}
    assert sizes.isdisjoint(int(sizes_from(FewShapes([2, n])).integers(10**9)) for n in range(ROUNDS))


def test_another_word_is_refused_in_one_line():
    module, _ = counting("several")
    (result,) = grade(module, ["tanh"], ["float32"], rounds=1).results[:1]
    assert (result.outcome, result.reason) == (FAILED, "SHAPES is 'several'; it must be \"few\", or not be there")
