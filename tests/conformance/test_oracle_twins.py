"""The oracle against 50-digit arithmetic and torch's optimizers, and its source, which imports only numpy.

tests/backend/test_batch_norm.py compares it with torch's batch norm.
"""

import ast
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch

from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import compare
from nnz.conformance.cases.mlp import random_mlp_case
from nnz.conformance.cases.ops import op_cases
from nnz.conformance.oracle import mlp as oracle

Array = np.ndarray
FORWARD = ("emb", "h_pre", "h", "logits", "probs", "loss")
DIGITS = 50


def mlp_in_50_digits(parameters: dict[str, Array], inputs: Array, targets: Array) -> dict[str, Array]:
    """The forward pass in mpmath, number by number."""
    mpf = np.vectorize(mpmath.mpf, otypes=[object])
    wte, w1, b1, w2, b2 = (mpf(p) for p in parameters.values())
    out = {"emb": wte[inputs]}
    out["h_pre"] = out["emb"].reshape(len(inputs), -1).dot(w1.T) + b1
    out["h"] = np.vectorize(mpmath.tanh, otypes=[object])(out["h_pre"])
    out["logits"] = out["h"].dot(w2.T) + b2
    exps = np.vectorize(mpmath.exp, otypes=[object])(out["logits"])
    out["probs"] = exps / exps.sum(axis=1, keepdims=True)
    out["loss"] = -sum(mpmath.log(p[y]) for p, y in zip(out["probs"], targets, strict=True)) / len(targets)
    return out


@pytest.mark.parametrize("seed", range(3))
def test_the_oracle_agrees_with_50_digit_arithmetic_within_its_own_bound(seed: int) -> None:
    _, parameters, inputs, targets = random_mlp_case(np.random.default_rng(seed), np.float64)
    values = oracle.mlp(parameters, inputs, targets)
    limits = bounds.mlp_bounds(parameters, inputs, targets, np.float64)
    with mpmath.workdps(DIGITS):
        exact = mlp_in_50_digits(parameters, inputs, targets)
        for name in FORWARD:
            error = np.abs(values[name] - exact[name])
            # The bound is for two float64 results; the oracle alone is allowed half of it.
            assert np.all(error <= limits[name] / 2), name


def test_every_gradient_agrees_with_a_difference_quotient_in_50_digits_within_its_own_bound() -> None:
    rng = np.random.default_rng(9)
    shapes = {"wte": (5, 2), "fc1.weight": (3, 4), "fc1.bias": (3,), "fc2.weight": (5, 3), "fc2.bias": (5,)}
    parameters = {name: 0.7 * rng.normal(size=shape) for name, shape in shapes.items()}
    inputs, targets = np.array([[4, 4], [1, 0], [2, 4]]), np.array([3, 0, 3])
    values = oracle.mlp(parameters, inputs, targets)
    limits = bounds.mlp_bounds(parameters, inputs, targets, np.float64)
    with mpmath.workdps(DIGITS):
        nudge = mpmath.mpf(10) ** -(DIGITS // 3)  # a central difference is off by its square: far below float64

        def loss(name: str, index: tuple[int, ...], by: mpmath.mpf) -> mpmath.mpf:
            nudged = {k: np.vectorize(mpmath.mpf, otypes=[object])(p) for k, p in parameters.items()}
            nudged[name][index] += by
            return mlp_in_50_digits(nudged, inputs, targets)["loss"]

        for name, p in parameters.items():
            for index in np.ndindex(p.shape):
                exact = (loss(name, index, nudge) - loss(name, index, -nudge)) / (2 * nudge)
                assert abs(values["d" + name][index] - exact) <= limits["d" + name][index] / 2, (name, index)


def test_the_order_of_computation_is_the_documented_one() -> None:
    _, parameters, inputs, targets = random_mlp_case(np.random.default_rng(0), np.float64)
    gradients = ("dlogits", "dfc2.weight", "dfc2.bias", "dh", "dh_pre", "dfc1.weight", "dfc1.bias", "demb", "dwte")
    values = oracle.mlp(parameters, inputs, targets)
    assert tuple(values) == FORWARD + gradients
    assert {k: v.shape for k, v in values.items() if k[1:] in parameters} == {
        "d" + k: p.shape for k, p in parameters.items()
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_the_steps_of_an_optimizer_are_those_of_torch_within_their_bounds(name: str, dtype: str) -> None:
    rng = np.random.default_rng(11)
    p = torch.tensor(rng.normal(size=(7, 5)), dtype=getattr(torch, dtype))
    theirs = getattr(torch.optim, name)([p], lr=1.0, weight_decay=0.1)
    reference = bounds.OptimizerBounds(name, dtype, 0.1)
    for lr in (0.02, 0.01, 0.02, 0.005, 0.001):
        before, g = p.numpy().copy(), rng.normal(size=p.shape).astype(dtype)
        theirs.param_groups[0]["lr"], p.grad = lr, torch.from_numpy(g)
        theirs.step()
        expected, allowed = reference.step({"p": before}, {"p": g}, lr)
        m = compare("p", p.numpy(), expected["p"], allowed["p"], dtype)
        assert m.ok, m.reason


def test_batch_norm_in_training_refuses_a_single_row() -> None:
    arguments = op_cases("batch_norm_forward", np.random.default_rng(0), np.float64)[0]
    with pytest.raises(ValueError, match="more than one row"):
        oracle.batch_norm_forward(**{**arguments, "x": arguments["x"][:1]})


def test_the_oracle_imports_numpy_and_nothing_else() -> None:
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    imported = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(n) for n in imported] == ["import numpy as np"]


def test_complex_arguments_stay_complex_and_float32_ones_are_widened() -> None:
    x, w = np.ones((2, 3), np.complex128), np.ones((4, 3), np.float32)
    assert oracle.linear_forward(x, w).dtype == np.complex128
    assert oracle.linear_forward(x.real.astype(np.float32), w).dtype == np.float64
