"""What nnz bench says of each op: every one is timed, and those of a step are the calls that a step makes."""

import pytest

from nnz import backends, benchmark_workload, datasets, spec
from nnz.benchmark_ops import NOT_IN_A_STEP, measure_ops, step_calls
from nnz.recipe import load
from nnz.rng import RNG

SMALL = (
    load("names").override("model.embedding_size", 4).override("model.hidden_size", 8).override("train.batch_size", 5)
)


def test_every_op_is_timed_and_the_shares_of_a_step_add_up_to_one():
    timings = measure_ops(benchmark_workload.of_recipe(SMALL), ["c", "numpy"], ["float64"], rounds=1)
    for name in ("c", "numpy"):
        own = [timing for timing in timings if timing.name == name]
        assert sorted(timing.function for timing in own) == sorted(spec.FUNCTIONS)
        assert all(timing.seconds > 0 for timing in own)
        assert sum(timing.share or 0 for timing in own) == pytest.approx(1)
        assert {timing.function for timing in own if timing.share is None} == set(NOT_IN_A_STEP)


def test_the_calls_are_those_of_a_real_step_with_its_shapes(monkeypatch):
    nn, made = backends.load("numpy"), []
    for function in spec.FUNCTIONS:
        if hasattr(nn.mlp, function):
            real = getattr(nn.mlp, function)
            monkeypatch.setattr(nn.mlp, function, lambda *a, f=function, r=real: made.append((f, shapes(a))) or r(*a))
    monkeypatch.setattr(nn.AdamW, "adamw_step", staticmethod(lambda *a: made.append(("adamw_step", shapes(a)))))
    data = datasets.of_recipe(SMALL.data)
    model = nn.MLP(data.tokenizer.vocab_size, 3, 4, 8, rng=RNG(1), dtype="float32")
    model(*next(data.train.batches(3, 5)))
    nn.AdamW(model.parameters()).step(model.backward())
    timed = [
        (function, shapes(values)) for function, values in step_calls(benchmark_workload.of_recipe(SMALL), "float32")
    ]
    assert [call for call in timed if call[0] not in NOT_IN_A_STEP] == made


def shapes(values):
    return [value.shape for value in values if hasattr(value, "shape")]
