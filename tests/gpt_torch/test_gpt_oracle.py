"""The GPT's oracle is proved by the complex step; then it judges every gradient of the GPT, in both dtypes."""

import ast
from pathlib import Path

import numpy as np
import pytest
from support.gpt_limits import GRADIENT_LIMIT
from test_gpt_proofs import ATTENTIONS, SHAPES, config, gradient_errors, random_parameters

import nnz.conformance.oracle.gpt as oracle
import nnz.conformance.oracle.gpt_ops as ops
import nnz.conformance.oracle.ops as by_op
import nnz.gpt
from nnz.conformance.bounds.rounding import COMPLEX_STEP, COMPLEX_STEP_LIMIT

TINY = {"vocab_size": 5, "context_length": 4, "n_layer": 2, "n_head": 2, "n_embd": 4}
IDX, TARGETS = np.array([[4, 1, 4], [0, 4, 1]]), np.array([[1, 4, 0], [3, 3, 2]])


def complex_step_gradient(f, x):
    """df/dx of a real scalar f, entry by entry: Im f(x + ih)/h."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        nudged = x.astype(np.complex128)
        nudged[i] += 1j * COMPLEX_STEP
        gradient[i] = np.imag(f(nudged)) / COMPLEX_STEP
    return gradient


def assert_is_gradient(gradient, f, x):
    expected = complex_step_gradient(f, x)
    largest = np.abs(expected).max()
    assert np.isfinite(gradient).all()
    assert largest > 0
    assert np.abs(gradient - expected).max() <= COMPLEX_STEP_LIMIT * largest


# Switches of the model; dropout draws the same masks in each nudged forward.
MODELS = {
    "course": ("course", {}),
    "gpt2": ("gpt2", {}),
    "rms": ("course", {"norm": "rms"}),
    "dropout": ("gpt2", {"dropout": 0.3, "embedding_dropout": 0.2}),
}


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_gradient_of_the_oracle_is_the_complex_step_derivative_of_its_loss(model):
    shape, switches = MODELS[model]
    cfg = config(nnz.gpt, shape, **TINY)
    parameters = random_parameters(nnz.gpt, cfg)
    if switches.get("norm") == "rms":
        parameters = {name: array for name, array in parameters.items() if "norm" not in name}

    def run(changed):
        return oracle.gpt(parameters | changed, IDX, TARGETS, cfg.n_head, cfg.activation, **switches)

    gradients = run({})
    for name, value in parameters.items():
        assert_is_gradient(gradients["d" + name], lambda z, name=name: run({name: z})["loss"], value)


def weighed(op_name, output, weights, arguments):
    """A sum of one output of an operation, each entry with a weight of its own: its gradient is the backward's."""
    return lambda argument: lambda z: (weights * by_op.outputs(op_name, arguments | {argument: z})[output]).sum()


def test_each_operation_of_the_oracle_has_its_complex_step_derivative():
    generator = np.random.default_rng(3)
    B, T, E, H = 2, 3, 4, 2
    x, dy, qkv = generator.normal(size=(6, E)), generator.normal(size=(6, E)), generator.normal(size=(B, T, 3, E))
    weight, bias, mask = generator.normal(size=E), generator.normal(size=E), generator.uniform(0.5, 2, (B, H, T, T))
    for op, kept in (("relu", "y"), ("gelu", "x")):
        forward = weighed(f"{op}_forward", "y", dy, {"x": x})
        saved = {"x": x, "y": by_op.outputs(f"{op}_forward", {"x": x})["y"]}[kept]
        assert_is_gradient(by_op.outputs(f"{op}_backward", {"dy": dy, kept: saved})["dx"], forward("x"), x)

    for given in ({}, {"mask": mask}):
        arguments, dy_3 = {"qkv": qkv, "mask": None, "H": H} | given, dy.reshape(B, T, E)
        probs = by_op.outputs("attention_forward", arguments)["probs"]
        found = by_op.outputs("attention_backward", {"dy": dy_3, "qkv": qkv, "probs": probs} | given)
        assert_is_gradient(found["dqkv"], weighed("attention_forward", "y", dy_3, arguments)("qkv"), qkv)

    for op, given in (
        ("layer_norm", {"weight": weight, "bias": bias}),
        ("rms_norm", {"weight": weight}),
        ("rms_norm", {"weight": None}),
    ):
        arguments = {"x": x, "eps": 0.1} | given
        forward, saved = weighed(f"{op}_forward", "y", dy, arguments), by_op.outputs(f"{op}_forward", arguments)
        saved = {"dy": dy, "x": x, "weight": given["weight"]} | {k: v for k, v in saved.items() if k != "y"}
        found = by_op.outputs(f"{op}_backward", saved)
        for name in {"x", *given} if given["weight"] is not None else ("x",):
            assert_is_gradient(found[f"d{name}"], forward(name), arguments[name])


def test_the_oracle_imports_numpy_and_nothing_else_but_its_own_operations():
    imported = {}
    for module in (oracle, ops):
        tree = ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
        nodes = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
        imported[module] = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in nodes}
    assert imported == {oracle: {"numpy", "gpt_ops", "collections.abc"}, ops: {"numpy", "functools"}}


@pytest.mark.parametrize("dtype", GRADIENT_LIMIT)
@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_and_every_gradient_are_those_of_the_oracle(shape, attention, dtype, record_property):
    errors = gradient_errors(nnz.gpt, shape, attention, dtype)
    worst = max(errors, key=errors.get)
    record_property("measured", f"{errors[worst]:.1e} of the largest entry, in {worst}")
    print(f"{shape}, {attention}, {dtype}: {errors[worst]:.1e} of the largest entry, in {worst}")
    assert errors[worst] <= GRADIENT_LIMIT[dtype], worst
