"""Every backward of the oracle is the derivative of its forward, by the complex step; see test_oracle_twins too."""

from collections.abc import Callable

import numpy as np
import pytest

from nnz.conformance.bounds.rounding import COMPLEX_STEP, COMPLEX_STEP_LIMIT
from nnz.conformance.cases.ops import op_cases
from nnz.conformance.oracle import mlp as oracle

Array = np.ndarray


def complex_step_gradient(f: Callable[[Array], Array], x: Array) -> Array:
    """df/dx of a real scalar f, entry by entry: Im f(x + ih)/h, which cancels nothing."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        nudged = x.astype(np.complex128)
        nudged[i] += 1j * COMPLEX_STEP
        gradient[i] = np.imag(f(nudged)) / COMPLEX_STEP
    return gradient


def assert_is_gradient(gradient: Array, f: Callable[[Array], Array], x: Array) -> None:
    expected = complex_step_gradient(f, x)
    largest = np.abs(expected).max()
    assert np.isfinite(gradient).all()
    assert largest > 0
    assert np.abs(gradient - expected).max() <= COMPLEX_STEP_LIMIT * largest


def small(op_name: str) -> list[dict]:
    """The cases of an op with every axis cut to six, so that one forward per entry is quick."""

    def cut(value: object) -> object:
        return value[(slice(6),) * value.ndim] if isinstance(value, np.ndarray) else value

    cases = op_cases(op_name, np.random.default_rng(3), np.float64)
    return [{name: cut(value) for name, value in case.items()} for case in cases]


@pytest.mark.parametrize("case", range(3))
def test_linear_backward_is_the_complex_step_derivative_of_linear_forward(case: int) -> None:
    arguments = small("linear_forward")[case]
    x, w, b = arguments["x"], arguments["w"], arguments["b"]
    b = np.ones(len(w)) if b is None else b
    dy = np.random.default_rng(1).normal(size=(*x.shape[:-1], len(w)))
    dx, dw, db = oracle.linear_backward(dy, x, w)
    assert_is_gradient(dx, lambda z: (dy * oracle.linear_forward(z, w, b)).sum(), x)
    assert_is_gradient(dw, lambda z: (dy * oracle.linear_forward(x, z, b)).sum(), w)
    assert_is_gradient(db, lambda z: (dy * oracle.linear_forward(x, w, z)).sum(), b)


def test_embedding_backward_is_the_complex_step_derivative_of_embedding_forward() -> None:
    rng, ids = np.random.default_rng(2), np.array([[4, 1, 4], [0, 4, 1]])
    wte, demb = rng.normal(size=(5, 2)), rng.normal(size=(2, 3, 2))
    dwte = oracle.embedding_backward(demb, ids, 5)
    assert_is_gradient(dwte, lambda z: (demb * oracle.embedding_forward(z, ids)).sum(), wte)


def test_tanh_backward_is_the_complex_step_derivative_of_tanh_forward() -> None:
    x = np.linspace(-6, 7, 40)
    dy = np.random.default_rng(4).normal(size=40)
    assert_is_gradient(
        oracle.tanh_backward(dy, oracle.tanh_forward(x)), lambda z: (dy * oracle.tanh_forward(z)).sum(), x
    )


@pytest.mark.parametrize("case", [0, 1])
def test_cross_entropy_backward_is_the_complex_step_derivative_of_the_loss(case: int) -> None:
    arguments = op_cases("cross_entropy_forward", np.random.default_rng(5), np.float64)[case]
    logits, targets = arguments["logits"], arguments["targets"]
    _, probs = oracle.cross_entropy_forward(logits, targets)
    dlogits = oracle.cross_entropy_backward(probs, targets)
    assert_is_gradient(dlogits, lambda z: oracle.cross_entropy_forward(z, targets)[0], logits)


@pytest.mark.parametrize("case", [0, 1])
def test_batch_norm_backward_is_the_complex_step_derivative_of_batch_norm_forward(case: int) -> None:
    arguments = small("batch_norm_forward")[case]
    x, dy = arguments["x"], np.random.default_rng(6).normal(size=arguments["x"].shape)
    _, mean, rstd, _, _ = oracle.batch_norm_forward(**arguments)
    gradients = oracle.batch_norm_backward(dy, x, mean, rstd, arguments["weight"])
    for name, gradient in zip(("x", "weight", "bias"), gradients, strict=True):

        def loss(z: Array, name: str = name) -> Array:
            return (dy * oracle.batch_norm_forward(**{**arguments, name: z})[0]).sum()

        assert_is_gradient(gradient, loss, arguments[name])


def tiny_mlp() -> tuple[dict[str, Array], Array, Array]:
    rng = np.random.default_rng(7)
    shapes = {"wte": (5, 3), "fc1.weight": (4, 6), "fc1.bias": (4,), "fc2.weight": (5, 4), "fc2.bias": (5,)}
    inputs, targets = np.array([[4, 4], [1, 0], [2, 4]]), np.array([3, 0, 3])
    return {k: 0.7 * rng.normal(size=shape) for k, shape in shapes.items()}, inputs, targets


@pytest.mark.parametrize("name", tiny_mlp()[0])
def test_every_gradient_of_the_mlp_is_the_complex_step_derivative_of_its_loss(name: str) -> None:
    parameters, inputs, targets = tiny_mlp()
    gradient = oracle.mlp(parameters, inputs, targets)["d" + name]
    assert_is_gradient(
        gradient, lambda z: oracle.mlp({**parameters, name: z}, inputs, targets)["loss"], parameters[name]
    )
