"""What the op batch_norm refuses, and that it computes the variance in two passes. Its values are graded."""

import numpy as np
import pytest

from nnz.backend import registry
from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import compare
from nnz.conformance.oracle import mlp as oracle

C = 5

each_backend = pytest.mark.parametrize("nn", [pytest.param(name, id=name) for name in registry.names()], indirect=True)


@pytest.fixture
def nn(request):
    return registry.load(request.param)


@each_backend
def test_the_op_refuses_a_single_row_and_wrong_scalars_in_the_same_words(nn) -> None:
    x, ones = np.ones((1, C)), np.ones(C)
    statistics = (ones, ones, ones, ones)
    with pytest.raises(
        ValueError, match=r"^Expected more than 1 value per channel when training, got input size \(1, 5\)$"
    ):
        nn.ops.batch_norm_forward(x, *statistics, True, 0.1, 1e-5)
    with pytest.raises(TypeError, match=r"^batch_norm_forward: training must be True or False, not int$"):
        nn.ops.batch_norm_forward(x, *statistics, 1, 0.1, 1e-5)
    with pytest.raises(ValueError, match=r"^batch_norm_forward: eps must be finite and at least 0; got -1\.0$"):
        nn.ops.batch_norm_forward(x, *statistics, False, 0.1, -1.0)
    with pytest.raises(ValueError, match=r"^batch_norm_forward: bias must have shape \(C,\) with C = 5; got \(4,\)$"):
        nn.ops.batch_norm_forward(x, ones, ones[:4], ones, ones, False, 0.1, 1e-5)


@each_backend
def test_a_spread_far_smaller_than_the_mean_survives_because_there_are_two_passes(nn) -> None:
    x = (2**9 + np.random.default_rng(0).normal(size=(50, C))).astype(np.float32)
    case = {"x": x, **{k: np.ones(C, np.float32) for k in ("weight", "bias", "running_mean", "running_var")}}
    case |= {"training": True, "momentum": 0.1, "eps": 1e-5}
    rstd = nn.ops.batch_norm_forward(*case.values())[2]
    expected, allowed = (
        oracle.batch_norm_forward(**case)[2],
        bounds.op_bounds("batch_norm_forward", case, "float32")["rstd"],
    )
    assert compare("rstd", rstd, expected, allowed, "float32").ok
    one_pass = 1 / np.sqrt(np.square(x).mean(axis=0) - np.square(x.mean(axis=0)) + np.float32(1e-5))
    assert not compare("rstd", one_pass, expected, allowed, "float32").ok
