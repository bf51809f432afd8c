"""The oracle against others: 50-digit arithmetic, torch's own modules, and its source, which leans on numpy alone."""

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


@pytest.mark.parametrize("positions", [None, 4])
def test_batch_norm_follows_torch_through_training_steps_and_into_evaluation(positions: int | None) -> None:
    rng, C = np.random.default_rng(8), 5
    module = torch.nn.BatchNorm1d(C, dtype=torch.float64)
    state = {"weight": rng.normal(size=C), "bias": rng.normal(size=C)}
    module.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    state |= {"running_mean": np.zeros(C), "running_var": np.ones(C)}
    for step in range(4):
        module.train(training := step < 3)
        x = rng.normal(step, 2, (11, positions, C) if positions else (11, C))
        arguments = {"x": x, **state, "training": training}
        y, _, _, new_mean, new_var = oracle.batch_norm_forward(**arguments)
        limits = bounds.op_bounds("batch_norm_forward", arguments, np.float64)
        channels = torch.from_numpy(x).movedim(-1, 1).requires_grad_()
        theirs = module(channels)
        measured = [compare("y", theirs.detach().movedim(1, -1).numpy(), y, limits["y"], np.float64)]
        for name, value in (("running_mean", new_mean), ("running_var", new_var)):
            their_value = getattr(module, name).numpy()
            measured.append(compare(name, their_value, value, limits[f"new_{name}"], np.float64))
            state[name] = their_value.copy()
        if training:
            measured += batch_norm_gradients(rng, module, channels, theirs, arguments)
        assert all(m.ok for m in measured), measured


def batch_norm_gradients(
    rng: np.random.Generator, module: torch.nn.Module, channels: torch.Tensor, y: torch.Tensor, arguments: dict
) -> list:
    """Measurements of torch's autograd against batch_norm_backward; mean and rstd carry the forward's bounds."""
    _, mean, rstd, _, _ = oracle.batch_norm_forward(**arguments)
    limits = bounds.op_bounds("batch_norm_forward", arguments, np.float64)
    dy = rng.normal(size=arguments["x"].shape)
    theirs = torch.autograd.grad(y, [channels, *module.parameters()], torch.from_numpy(dy).movedim(-1, 1))
    backward = {"dy": dy, "x": arguments["x"], "mean": mean, "rstd": rstd, "weight": arguments["weight"]}
    errors = {"mean_error": limits["mean"], "rstd_error": limits["rstd"]}
    allowed = bounds.op_bounds("batch_norm_backward", backward | errors, np.float64)
    ours = dict(zip(allowed, oracle.batch_norm_backward(**backward), strict=True))
    found = [theirs[0].movedim(1, -1).numpy(), theirs[1].numpy(), theirs[2].numpy()]
    return [
        compare(name, value, ours[name], allowed[name], np.float64) for name, value in zip(allowed, found, strict=True)
    ]


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
