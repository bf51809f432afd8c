"""What nnz bench says of a step and of its ops: each figure follows from what was timed."""

import numpy as np
import pytest

from nnz.backend import registry, spec
from nnz.commands.bench import contenders as benchmark_contenders
from nnz.commands.bench import tables, workload
from nnz.commands.bench.contenders import Baseline, Ours, Squares, contenders
from nnz.commands.bench.gpt import of_gpt
from nnz.commands.bench.measure import measure, measure_ops
from nnz.commands.bench.workload import NOT_IN_A_STEP, step_calls
from nnz.numbers.rng import RNG
from nnz.recipes import from_recipe
from nnz.recipes.recipe import load

SMALL = (
    load("names").override("model.embedding_size", 4).override("model.hidden_size", 8).override("train.batch_size", 5)
)


@pytest.fixture(autouse=True)
def _small_squares(monkeypatch):
    """What the machine can do is asked of matrices that are multiplied in no time."""
    monkeypatch.setattr(benchmark_contenders, "SQUARES", (8,))


def work():
    return workload.of_recipe(SMALL)


def test_the_c_backend_says_which_compiler_built_it_and_how():
    nn = pytest.importorskip("nnz.c", reason="the C kernels are not built")
    assert nn.runtime.built_with().split()[0] in ("gcc", "clang")
    assert "-O3" in nn.runtime.built_with()


def test_the_operations_of_a_step_are_those_of_its_products():
    found = 0
    for function, arrays in step_calls(work(), "float32"):
        if function.startswith("linear"):
            is_backward = "backward" in function
            (B, N), (M, _) = (arrays[i + is_backward].shape for i in range(2))  # x and w, after dy in a backward
            found += 2 * B * N * M * (1 + is_backward)
    assert work().operations == found > 0


class Stub:
    """Takes the same time in every round."""

    name, dtype, threads = "stub", "float32", 1

    def __init__(self, seconds):
        self.seconds, self.turns = seconds, []

    def round(self, steps):
        self.turns.append(steps)
        return {"step": self.seconds}


def test_a_gpt_is_timed_with_the_switches_of_its_recipe_and_without_dropout():
    config = of_gpt(load("gpt-cpu").override("model.shape", "gpt2").override("model.dropout", 0.1)).config
    assert (config.tied_head, config.activation) == (True, "gelu")
    assert config.dropout == config.embedding_dropout == 0


def test_rates_and_shares_follow_from_the_times(monkeypatch):
    class OursStub(Stub, Ours):
        pass

    monkeypatch.setattr("nnz.commands.bench.measure.Products", lambda *_: Stub(0.002))
    monkeypatch.setattr("nnz.commands.bench.measure.Squares", lambda *_: Stub(1e-9))
    (timing,) = measure(work(), [OursStub(0.004)], rounds=3)
    peak = 1e9
    assert timing.step == 0.004
    assert timing.tokens_per_second == 5 / 0.004
    assert timing.gflops * 1e9 == pytest.approx(work().operations / 0.004)
    assert timing.share_of_peak == pytest.approx(work().operations / 0.004 / peak)
    assert timing.products_share == pytest.approx(work().operations / 0.002 / peak)
    assert timing.peak_gflops * 1e9 == pytest.approx(peak)


def test_the_peak_is_that_of_the_fastest_backend_here_asked_for_or_not(monkeypatch):
    class First(Stub, Ours):
        name = "first"

    class Second(First):
        name = "second"

    seconds = {"first": 4e-9, "second": 2e-9, "third": 1e-9}
    monkeypatch.setattr("nnz.commands.bench.measure.Products", lambda *_: Stub(1.0))
    monkeypatch.setattr("nnz.commands.bench.measure.Squares", lambda name, *_: Stub(seconds[name]))
    for here, peak in (((), 0.5), (("second", "third"), 1.0)):
        monkeypatch.setattr(registry, "available", lambda here=here: here)
        timings = measure(work(), [First(1.0), Second(1.0)], rounds=1)
        assert [timing.peak_gflops for timing in timings] == [pytest.approx(peak)] * 2


def test_a_turn_takes_no_more_steps_than_fit_into_its_seconds(monkeypatch):
    quick, slow = Stub(0.01), Stub(3.0)
    monkeypatch.setattr("nnz.commands.bench.measure._peak", lambda _: 1.0)
    measure(work(), [quick, slow], rounds=2, seconds=0.1)
    assert quick.turns == [1, 1, *[1, 10] * 3]  # how many fit, then each turn with a step before it
    assert slow.turns == [1, 1, *[1, 1] * 3]


def test_neither_the_step_before_a_turn_nor_the_first_round_is_counted(monkeypatch):
    class First(Stub):
        def round(self, steps):
            super().round(steps)
            return {"step": 0.01 if steps > 1 and len(self.turns) > 2 else 99.0}

    monkeypatch.setattr("nnz.commands.bench.measure._peak", lambda _: 1.0)
    (timing,) = measure(work(), [First(0.0)], rounds=3, steps=2)
    assert (timing.step, timing.quartiles) == (0.01, (0.01, 0.01))


@pytest.mark.parametrize("name", registry.available())
def test_the_squares_are_products_of_two_matrices_of_each_size(monkeypatch, name):
    monkeypatch.setattr(benchmark_contenders, "SQUARES", (8, 16))
    squares, seen = Squares(name, "float32", 1), []
    for size in (8, 16):
        x, w, _ = squares._matrices(size)
        assert x.shape == w.shape == (size, size)
        assert not (x == w).any(), "a matrix with itself would take half the work"
        monkeypatch.setitem(squares._calls, size, lambda size=size: seen.append(size))
    assert squares.round(1)["step"] > 0
    assert sorted(seen) == [8, 8, 16]


def test_every_number_of_a_timing_is_in_its_table():
    timings = measure(work(), contenders(work(), ["numpy"], ["float32"], [1]), rounds=1, steps=1)
    lines = tables(timings).splitlines()
    assert lines[0].startswith("**float32, 1 thread**; the machine's peak is ")
    heads, row = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (lines[2], lines[4]))
    shown = dict(zip(heads, row, strict=True))
    assert shown["ms per step"] == f"{1e3 * timings[0].step:.3f}"
    assert shown["tokens/s"] == f"{timings[0].tokens_per_second:,.0f}"
    assert shown["GFLOP/s"] == f"{timings[0].gflops:.1f} ({timings[0].share_of_peak:.0%})"
    assert shown["products only"] == f"{timings[0].products_share:.0%}"
    assert sum(float(shown[part]) for part in benchmark_contenders.PARTS) == pytest.approx(
        1e3 * timings[0].step, abs=0.003
    )


def test_a_baseline_takes_the_same_model_and_trains_it():
    baseline = Baseline("numpy", work(), "float64", 1)
    ours = Ours("numpy", work(), "float64", 1)
    losses = [baseline._step() for _ in range(3)]
    batches, model = ours._batches, ours._model
    expected = []
    for _ in range(3):
        expected.append(model(*next(batches))[1])
        ours._optimizer.step(model.backward())
    assert losses == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", registry.available())
def test_a_prepared_call_computes_what_its_op_does(name):
    nn, calls = registry.load(name), 0
    for function, arrays in step_calls(work(), "float32"):
        if function.startswith("linear"):
            call, calls = benchmark_contenders.prepared(nn, function, arrays), calls + 1
            found, expected = call(), getattr(nn.ops, function)(*arrays)
            if found is None:  # C writes to where its pointers lead
                found = [list(pointer) for pointer in call.args[: len(spec.MLP_FUNCTIONS[function].outputs)]]
            for got, wanted in zip(listed(found), listed(expected), strict=True):
                assert np.ravel(got.detach() if hasattr(got, "detach") else got).tolist() == wanted.ravel().tolist()
    assert calls == 4


def listed(results):
    return results if isinstance(results, list | tuple) else [results]


def test_every_op_is_timed_and_the_shares_of_a_step_add_up_to_one():
    timings = measure_ops(work(), ["c", "numpy"], ["float64"], rounds=1)
    for name in ("c", "numpy"):
        own = [timing for timing in timings if timing.name == name]
        assert sorted(timing.function for timing in own) == sorted(spec.MLP_FUNCTIONS)
        assert all(timing.seconds > 0 for timing in own)
        assert sum(timing.share or 0 for timing in own) == pytest.approx(1)
        assert {timing.function for timing in own if timing.share is None} == set(NOT_IN_A_STEP)


@pytest.mark.parametrize("name", registry.available())
def test_the_optimizer_s_calls_are_those_of_a_real_step_with_its_shapes_in_every_backend(monkeypatch, name):
    nn, made = registry.load(name), []
    monkeypatch.setattr(nn.AdamW, "_update", lambda self, *a: made.append(("adamw_step", shapes(a))))
    real_step(nn)
    assert [call for call in timed_calls() if call[0] == "adamw_step"] == made
    (timing,) = (
        timing
        for timing in measure_ops(work(), [name], ["float32"], rounds=1)
        if (timing.function, timing.precision) == ("adamw_step", "native")
    )
    assert timing.calls == len(made)


def test_the_calls_are_those_of_a_real_step_with_its_shapes(monkeypatch):
    nn, made = registry.load("numpy"), []
    ops = nn.MLP.ops_by_precision["native"]
    for function in spec.MLP_FUNCTIONS:
        real = getattr(ops, function)
        monkeypatch.setattr(ops, function, lambda *a, f=function, r=real: made.append((f, shapes(a))) or r(*a))
    real_step(nn)
    assert [call for call in timed_calls() if call[0] not in NOT_IN_A_STEP] == made


def real_step(nn):
    data = from_recipe.dataset(SMALL)
    model = nn.MLP(data.tokenizer.vocab_size, 3, 4, 8, rng=RNG(1), dtype="float32")
    model(*next(data.train.batches(3, 5)))
    nn.AdamW(model.parameters()).step(model.backward())


def timed_calls():
    return [(function, shapes(values)) for function, values in step_calls(work(), "float32")]


def shapes(values):
    return [tuple(value.shape) for value in values if hasattr(value, "shape")]
