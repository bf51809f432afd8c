"""torch's fused AdamW takes memory as it lies: how an array is laid out must not change the step."""

import numpy as np
import pytest

from nnz.backend import registry
from nnz.conformance.bounds.rounding import gamma, unit_roundoff

STEPS = (3, 4)
ROUNDINGS = len(STEPS) * (3 + 4 + 3 + 4)  # of m, of v, of the denominator and of p, one after the other


def torch_step(dtype, lay_parameters, lay_gradient, which="pmv"):
    """p, m and v after two steps of torch's AdamW, those of `which` laid out by the one, the gradients by the other."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    generator, ops = np.random.default_rng(41), registry.load("torch").ops
    drawn = dict(zip("pmvg", generator.normal(size=(4, 6, 4)), strict=True)) | {"v": generator.uniform(size=(6, 4))}
    p, m, v, g = (torch.tensor(a, dtype=getattr(torch, dtype)) for a in drawn.values())
    p, m, v = (lay_parameters(a) if name in which else a for name, a in zip("pmv", (p, m, v), strict=True))
    for t in STEPS:
        ops.adamw_step(p, m, v, lay_gradient(g), t, 0.1, 0.9, 0.999, 1e-8, 0.1)
    return [a.numpy() for a in (p, m, v)]


def by_columns(a):
    return a.T.contiguous().T


def with_gaps(a):
    return a.repeat_interleave(2, dim=-1)[:, ::2]


def as_it_is(a):
    return a


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lay", [by_columns, with_gaps])
def test_torch_steps_by_a_gradient_that_is_not_contiguous_as_by_one_that_is(dtype, lay):
    for laid, plain in zip(torch_step(dtype, as_it_is, lay), torch_step(dtype, as_it_is, as_it_is), strict=True):
        assert np.array_equal(laid, plain)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lay", [by_columns, with_gaps])
@pytest.mark.parametrize("which", ["p", "m", "v", "pmv"])
def test_torch_steps_parameters_and_moments_that_are_not_contiguous_as_such_that_are(dtype, lay, which):
    some = 2 * gamma(ROUNDINGS, unit_roundoff(dtype))  # the lines that they take round otherwise than the fused call
    for layout in (as_it_is, lay):
        laid, plain = torch_step(dtype, lay, layout, which), torch_step(dtype, as_it_is, as_it_is)
        for ours, expected in zip(laid, plain, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=some, atol=some)
