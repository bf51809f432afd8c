"""What nnz bench says of each op: every one is timed, and those of a step are the calls that a step makes."""

import pytest

from nnz.backend import registry, spec
from nnz.commands.bench import workload
from nnz.commands.bench.measure import measure_ops
from nnz.commands.bench.workload import NOT_IN_A_STEP, step_calls, steps_at_once
from nnz.numbers.rng import RNG
from nnz.recipes.recipe import load
from nnz.text import datasets

SMALL = (
    load("names").override("model.embedding_size", 4).override("model.hidden_size", 8).override("train.batch_size", 5)
)


def work():
    return workload.of_recipe(SMALL)


def test_every_op_is_timed_and_the_shares_of_a_step_add_up_to_one():
    timings = measure_ops(work(), ["c", "numpy"], ["float64"], rounds=1)
    for name in ("c", "numpy"):
        own = [timing for timing in timings if timing.name == name]
        assert sorted(timing.function for timing in own) == sorted(spec.FUNCTIONS)
        assert all(timing.seconds > 0 for timing in own)
        assert sum(timing.share or 0 for timing in own) == pytest.approx(1)
        assert {timing.function for timing in own if timing.share is None} == set(NOT_IN_A_STEP)


@pytest.mark.parametrize("name", registry.available())
def test_the_optimizer_s_calls_are_those_of_a_real_step_with_its_shapes_in_every_backend(monkeypatch, name):
    nn, made = registry.load(name), []
    monkeypatch.setattr(nn.AdamW, "adamw_step", staticmethod(lambda *a: made.append(("adamw_step", shapes(a)))))
    real_step(nn)
    assert [call for call in timed_calls(name) if call[0] == "adamw_step"] == made
    (timing,) = (
        timing for timing in measure_ops(work(), [name], ["float32"], rounds=1) if timing.function == "adamw_step"
    )
    assert timing.calls == len(made)


def test_the_calls_are_those_of_a_real_step_with_its_shapes(monkeypatch):
    nn, made = registry.load("numpy"), []
    for function in spec.FUNCTIONS:
        if hasattr(nn.mlp, function):
            real = getattr(nn.mlp, function)
            monkeypatch.setattr(nn.mlp, function, lambda *a, f=function, r=real: made.append((f, shapes(a))) or r(*a))
    monkeypatch.setattr(nn.AdamW, "adamw_step", staticmethod(lambda *a: made.append(("adamw_step", shapes(a)))))
    real_step(nn)
    assert [call for call in timed_calls("numpy") if call[0] not in NOT_IN_A_STEP] == made


def real_step(nn):
    data = datasets.of_recipe(SMALL.data)
    model = nn.MLP(data.tokenizer.vocab_size, 3, 4, 8, rng=RNG(1), dtype="float32")
    model(*next(data.train.batches(3, 5)))
    nn.AdamW(model.parameters()).step(model.backward())


def timed_calls(name):
    return [(function, shapes(values)) for function, values in step_calls(work(), "float32", steps_at_once(name))]


def shapes(values):
    return [tuple(value.shape) for value in values if hasattr(value, "shape")]
