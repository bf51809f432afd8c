"""The referee's own model prints what microgpt prints, and its generators draw what they are named after."""

import itertools
import random

import numpy as np
import pytest

from nnz import RNG
from nnz.referee import draws, ops
from nnz.referee.start import Names
from nnz.referee.training import Training
from nnz.referee.variant import REFERENCE

FIRST = ["3.3660", "3.4243", "3.1778", "3.0664", "3.2209"]
LAST = "2.6497"
SAMPLES = (
    "kamon ann karai jaire vialan karia yeran anna areli kaina "
    "konna keylen liole alerin earan lenne kana lara alela anton"
)


def test_the_first_losses_are_those_of_microgpt(names: Names) -> None:
    losses = itertools.islice(Training(names, REFERENCE).losses(), 5)
    assert [f"{loss:.4f}" for loss in losses] == FIRST


@pytest.mark.slow
def test_a_thousand_steps_end_with_the_loss_and_the_names_of_microgpt(names: Names) -> None:
    training = Training(names, REFERENCE)
    losses = list(training.losses())
    assert len(losses) == 1000
    assert f"{losses[-1]:.4f}" == LAST
    assert training.samples() == SAMPLES.split()
    assert training.samples() == SAMPLES.split()  # the generator that they are drawn from is a copy


OPERATIONS = {
    "linear": (ops.linear, [(3, 4), (5, 4)], {}),
    "rows": (ops.rows, [(5, 4)], {"ids": np.array([1, 0, 1])}),
    "rms_norm": (ops.rms_norm, [(3, 8)], {"epsilon": 1e-5}),
    "rms_norm of heads": (ops.rms_norm, [(3, 8)], {"epsilon": 1e-5, "heads": 2}),
    "layer norm": (ops.rms_norm, [(3, 8)], {"epsilon": 1e-5, "centred": True}),
    "norm of a sum": (ops.rms_norm, [(3, 8)], {"epsilon": 1e-5, "summed": True}),
    "attention": (ops.attention, [(4, 8)] * 3, {"heads": 2, "scale": 0.5}),
    "attention that hides its own": (ops.attention, [(4, 8)] * 3, {"heads": 2, "scale": 0.5, "lookahead": -1}),
    "attention, interleaved": (ops.attention, [(4, 8)] * 3, {"heads": 2, "scale": 0.5, "interleaved": True}),
    **{name: (operation, [(3, 4)], {}) for name, operation in ops.ACTIVATIONS.items()},
    "cross_entropy": (
        ops.cross_entropy,
        [(3, 5)],
        {"targets": np.array([4, 0, 2]), "divisor": 3, "gradient_divisor": 3},
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_backward_is_the_derivative(name: str) -> None:
    operation, shapes, settings = OPERATIONS[name]
    rng, step = np.random.default_rng(1), 1e-6
    inputs = [rng.normal(size=shape) for shape in shapes]
    value, backward = operation(*inputs, **settings)
    weights = rng.normal(size=value.shape)
    for x, gradient in zip(inputs, backward(weights), strict=True):
        for index in np.ndindex(*x.shape):
            kept, sums = x[index], []
            for x[index] in (kept - step, kept + step):
                sums.append((operation(*inputs, **settings)[0] * weights).sum())
            x[index] = kept
            assert (sums[1] - sums[0]) / (2 * step) == pytest.approx(gradient[index], rel=1e-5, abs=1e-8)


@pytest.mark.parametrize(
    ("name", "seed", "draw", "expected"),
    [
        ("mulberry32", 42, 1, 0.6011037519201636),  # in JavaScript
        ("xorshift32", 2463534242, 1, 723471715 / 2**32),  # Marsaglia's paper
        ("splitmix64", 1234567, 1, (6457827717110365317 >> 11) / 2**53),
        ("lcg", 0x3C6EF35F, 2, 0xD1CCF6E9 / 2**32),  # Numerical Recipes
        ("minstd", 1, 10_000, 399268537 / (2**31 - 1)),  # the C++ standard
        ("xorshift64star", 1337, 1, RNG(1337).uniform()),
        ("python", 42, 1, random.Random(42).random()),
    ],
)
def test_a_generator_is_the_one_it_is_named_after(name: str, seed: int, draw: int, expected: float) -> None:
    generator = draws.GENERATORS[name](seed)
    assert [generator.random() for _ in range(draw)][-1] == expected


def test_the_normals_of_torch_are_torchs() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.manual_seed(42)
    expected = torch.randn(4, 16).numpy().ravel()
    assert draws.Torch(42).normal(64) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("how", [how for how in draws.NORMALS if how != "uniform"])
def test_normals_are_normal(how: str) -> None:
    z = draws.normals(draws.GENERATORS["splitmix64"](7), how, 20_000)
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1) < 0.02
    assert abs((abs(z) < 1).mean() - 0.6827) < 0.012
