"""Strict float32: every backend and the C program train to the same bits, whatever computes beside or beneath them."""

import signal

import numpy as np
import pytest
from support import parity_runs
from support.tiny_commands import RUNNERS, finish, start, stop_after
from support.tiny_runs import BUILT, tiny_recipe, train

import nnz
from nnz.backend import registry
from nnz.runs import checkpoints
from nnz.runs.folder import RunFolder

STEPS = 150
RUNGS = {  # each with the settings that make it small
    "bigram": {"model__context_length": 1},
    "mlp-batchnorm": {},
    "residual": {"model__hidden_layers": 4},
    "wavenet": {"model__context_length": 4},
}
OTHER_CPUS = {  # as older ones, or by another library's way: what a user may set, and what a machine may be
    "numpy": [
        {"OPENBLAS_CORETYPE": "Haswell"},
        {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3"},
    ],
    "torch": [
        {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "COMPATIBLE"},
        {"ATEN_CPU_CAPABILITY": "default", "NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3"},
    ],
}


def strict_recipe(data, **settings):
    return tiny_recipe(data, model__dtype="float32", model__precision="strict", **settings)


def printed(folder):
    return checkpoints.load(RunFolder(folder).checkpoint).printed


@pytest.mark.slow
@pytest.mark.xdist_group("strict_runs")
@pytest.mark.parametrize("threads", [1, 2])
def test_every_runner_prints_one_sha256_at_every_evaluation(threads, tmp_path):
    how = (*parity_runs.STRICT, "--set", "train.eval_every=50")
    env = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    first, *others = (
        parity_runs.run(runner, tmp_path / str(i), STEPS, how=how, env=env)
        for i, runner in enumerate(parity_runs.RUNNERS)
    )
    lines = first.stdout.decode().splitlines()
    hashes = [line.split(" sha256 ")[1] for line in lines if line.startswith("step ")]
    assert len(set(hashes)) == STEPS // 50 + 1
    assert lines[-1].split()[0] == "parameters_sha256"
    assert all(other == first for other in others)


@pytest.mark.slow
@pytest.mark.xdist_group("strict_runs")
def test_every_runner_trains_a_gpt_to_one_sha256(tmp_path):
    how = (*parity_runs.STRICT, *parity_runs.SMALL_GPT, "--set", "train.eval_every=100")
    text = tmp_path / "text.txt"
    text.write_bytes((parity_runs.NAMES / "val.txt").read_bytes() * 2)
    outcomes = [
        parity_runs.run(
            runner, tmp_path / f"{i}", 300, text, how, {"OMP_NUM_THREADS": f"{1 + i % 2}"}, recipe="gpt-cpu"
        )
        for i, runner in enumerate((*parity_runs.RUNNERS, "build/mlp"))  # the last on one thread and on two
    ]
    lines = outcomes[0].stdout.decode().splitlines()
    assert len({line.split(" sha256 ")[1] for line in lines if line.startswith("step ")}) == 4
    assert lines[-1].split()[0] == "parameters_sha256"
    assert all(outcome == outcomes[0] for outcome in outcomes)


@pytest.mark.slow
@pytest.mark.xdist_group("strict_runs")
@pytest.mark.parametrize("recipe", ["names", "gpt-cpu"])
@pytest.mark.parametrize("backend", OTHER_CPUS)
def test_an_older_cpu_changes_no_bit(backend, recipe, tmp_path):
    envs, small = [{}, *OTHER_CPUS[backend]], parity_runs.SMALL_GPT if recipe == "gpt-cpu" else ()
    first, *others = (
        parity_runs.run(backend, tmp_path / f"{i}", 20, how=(*parity_runs.STRICT, *small), env=env, recipe=recipe)
        for i, env in enumerate(envs)
    )
    assert all(other.stdout == first.stdout for other in others)


@pytest.mark.slow
@pytest.mark.parametrize("rung", [None, *RUNGS])
def test_each_rung_is_the_same_on_every_backend(data, tmp_path, rung):
    recipe = strict_recipe(data, **({"model__kind": rung, **RUNGS[rung]} if rung else {}))
    first, *others = (printed(train(recipe, tmp_path / name, name)) for name in BUILT)
    assert " | sha256 " in first
    assert others
    assert all(other == first for other in others)


@pytest.mark.slow
@pytest.mark.parametrize(("writer", "reader"), list(zip(RUNNERS, RUNNERS[1:] + RUNNERS[:1], strict=True)))
def test_one_finishes_what_another_began(data, tmp_path, writer, reader):
    recipe, run = strict_recipe(data, steps=600, train__eval_every=100), tmp_path / "run"
    whole = finish(start(reader, recipe, tmp_path / "whole"))
    stop_after(start(writer, recipe, run), 2, signal.SIGTERM)
    assert checkpoints.load(run / "checkpoint.safetensors").step < 600
    finish(start(reader, recipe, run, "--resume"))
    assert checkpoints.load(run / "checkpoint.safetensors").printed == whole


def test_a_row_gives_the_same_bits_alone_and_in_any_batch():
    for name in BUILT:
        nn = registry.load(name)
        model = nn.MLP(27, 3, 10, 31, rng=nnz.RNG(7), precision="strict")
        inputs = np.arange(3 * 57).reshape(57, 3) * 7 % 27
        together, _ = model(inputs)
        for i in (0, 1, 30, 56):
            assert model(inputs[i : i + 1])[0].tobytes() == together[i : i + 1].tobytes(), (name, i)
            assert model(inputs[i // 2 : i + 1])[0][-1].tobytes() == together[i].tobytes(), (name, i)


@pytest.mark.parametrize("name", BUILT)
def test_a_sum_at_the_very_edge_of_its_bound_is_rounded_right(name):
    w = ["0x1.000002p+0", "0x1.000002p-24", "0x1.408348p+2", "0x1.a63876p-10", "0x1.07e0f6p-22"]
    x, w = np.float32([[1, 1, 0, 0, 0]]), np.float32([[float.fromhex(number) for number in w]])
    y = registry.load(name).ops.linear_forward(x, w, None, precision="strict")
    assert float(y[0, 0]).hex() == "0x1.0000040000000p+0"  # fused or not, the bound's own rounding must not decide


@pytest.mark.parametrize("name", BUILT)
def test_a_single_hard_case_without_axes_is_looked_up(name):
    x = np.array(0x3AC37DE2, np.uint32).view(np.float32)
    y = registry.load(name).ops.tanh_forward(x, precision="strict")
    assert np.float32(y).view(np.uint32) == 0x3AC37DD9


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("make", ["MLP", "Linear", "AdamW", "op"])
def test_what_is_not_strict_is_refused_alike(name, make):
    if name not in BUILT:
        pytest.skip(f"backend {name} is not there")
    nn, wide, rng = registry.load(name), np.ones((2, 2)), nnz.RNG(1)
    makers = {
        "MLP": lambda **how: nn.MLP(5, 2, 3, 4, rng=rng, dtype="float64", **how),
        "Linear": lambda **how: nn.Linear(2, 3, rng=rng, dtype="float64", **how),
        "AdamW": lambda **how: nn.AdamW({"w": wide}, **how),
        "op": lambda **how: nn.ops.tanh_forward(wide, **how),
    }
    with pytest.raises(ValueError, match=r"^precision 'strict' rounds to float32; got dtype float64$"):
        makers[make](precision="strict")
    with pytest.raises(ValueError, match=r"^precision must be native or strict; got 'exact'$"):
        makers[make](precision="exact")
    with pytest.raises(ValueError, match="x must be float32, as the layer is, not float64"):
        nn.Tanh(precision="strict")(wide)
