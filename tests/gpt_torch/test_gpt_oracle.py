"""The GPT's oracle is proved by the complex step; then it judges every gradient of the GPT, in both dtypes."""

import ast
from pathlib import Path

import numpy as np
import pytest
from test_gpt_proofs import ATTENTIONS, SHAPES, config, gradient_errors, random_parameters

import nnz.conformance.oracle.gpt as oracle
import nnz.conformance.oracle.gpt_ops as ops
import nnz.gpt
from nnz.conformance.bounds.rounding import COMPLEX_STEP, COMPLEX_STEP_LIMIT
from nnz.gpt.logit_error import GRADIENT_LIMIT

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


@pytest.mark.parametrize("shape", SHAPES)
def test_every_gradient_of_the_oracle_is_the_complex_step_derivative_of_its_loss(shape):
    cfg = config(nnz.gpt, shape, **TINY)
    parameters = random_parameters(nnz.gpt, cfg)

    def run(changed):
        return oracle.gpt(parameters | changed, IDX, TARGETS, cfg.n_head, cfg.activation)

    gradients = run({})
    for name, value in parameters.items():
        assert_is_gradient(gradients["d" + name], lambda z, name=name: run({name: z})["loss"], value)


def test_each_operation_of_the_oracle_has_its_complex_step_derivative():
    generator = np.random.default_rng(3)
    x, dy, qkv = generator.normal(size=(2, 3, 4)), generator.normal(size=(2, 3, 4)), generator.normal(size=(2, 3, 12))
    weight, bias = generator.normal(size=4), generator.normal(size=4)
    for forward, backward in ((ops.relu_forward, ops.relu_backward), (ops.gelu_forward, ops.gelu_backward)):
        assert_is_gradient(backward(dy, x), lambda z, forward=forward: (dy * forward(z)).sum(), x)
    dqkv = ops.attention_backward(dy, ops.attention_forward(qkv, 2)[1])
    assert_is_gradient(dqkv, lambda z: (dy * ops.attention_forward(z, 2)[0]).sum(), qkv)
    dx, dweight, dbias = ops.layer_norm_backward(dy, ops.layer_norm_forward(x, weight, bias)[1], weight)
    assert_is_gradient(dx, lambda z: (dy * ops.layer_norm_forward(z, weight, bias)[0]).sum(), x)
    assert_is_gradient(dweight, lambda z: (dy * ops.layer_norm_forward(x, z, bias)[0]).sum(), weight)
    assert_is_gradient(dbias, lambda z: (dy * ops.layer_norm_forward(x, weight, z)[0]).sum(), bias)


def test_the_oracle_imports_numpy_and_nothing_else_but_its_own_operations():
    imported = {}
    for module in (oracle, ops):
        tree = ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
        nodes = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
        imported[module] = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in nodes}
    assert imported == {oracle: {"numpy", "gpt_ops"}, ops: {"numpy"}}


@pytest.mark.parametrize("dtype", GRADIENT_LIMIT)
@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_and_every_gradient_are_those_of_the_oracle(shape, attention, dtype, record_property):
    errors = gradient_errors(nnz.gpt, shape, attention, dtype)
    worst = max(errors, key=errors.get)
    record_property("measured", f"{errors[worst]:.1e} of the largest entry, in {worst}")
    print(f"{shape}, {attention}, {dtype}: {errors[worst]:.1e} of the largest entry, in {worst}")
    assert errors[worst] <= GRADIENT_LIMIT[dtype], worst
