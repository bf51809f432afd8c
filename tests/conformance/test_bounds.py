"""The bounds hold in every order of summation, and they are not so wide that they would hold for wrong code.

That the three backends stay within them is graded in test_grading.py; that bugs exceed them, in test_mutants.py.
"""

from collections.abc import Callable

import numpy as np
import pytest

from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import T2_SEEN, Measurement, compare
from nnz.conformance.cases.mlp import random_mlp_case
from nnz.conformance.cases.ops import op_cases
from nnz.conformance.oracle import mlp as oracle

Array = np.ndarray
Sum = Callable[[Array], Array]  # adds up the last axis
DTYPES = [np.float32, np.float64]
SHAPES = 40


def permuted(products: Array) -> Array:
    order = np.random.default_rng(products.shape[-1]).permutation(products.shape[-1])
    return products[..., order].sum(axis=-1)


ORDERS: dict[str, Sum] = {
    "reversed": lambda products: products[..., ::-1].sum(axis=-1),
    "permuted": permuted,
    "sequential": lambda products: np.add.accumulate(products, axis=-1)[..., -1],
}


def mlp(parameters: dict[str, Array], inputs: Array, targets: Array, add: Sum) -> dict[str, Array]:
    """Every tensor of oracle.mlp in the parameters' dtype, with each sum computed by `add`."""
    wte, w1, b1, w2, b2 = parameters.values()
    real, rows = wte.dtype.type, np.arange(len(inputs))

    def matmul(a: Array, b: Array) -> Array:
        return add(a[:, None, :] * b.T[None, :, :])

    out = {"emb": wte[inputs]}
    flat = out["emb"].reshape(len(inputs), -1)
    out["h_pre"] = matmul(flat, w1.T) + b1
    out["h"] = np.tanh(out["h_pre"])
    out["logits"] = matmul(out["h"], w2.T) + b2
    shifted = out["logits"] - out["logits"].max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    sums = add(exps)[:, None]
    out["probs"] = exps / sums
    out["loss"] = add((np.log(sums) - shifted)[rows, targets]) / real(len(inputs))
    out["dlogits"] = out["probs"].copy()
    out["dlogits"][rows, targets] -= 1
    out["dlogits"] /= real(len(inputs))
    out["dfc2.weight"], out["dfc2.bias"] = matmul(out["dlogits"].T, out["h"]), add(out["dlogits"].T)
    out["dh"] = matmul(out["dlogits"], w2)
    out["dh_pre"] = out["dh"] * (1 - out["h"] * out["h"])
    out["dfc1.weight"], out["dfc1.bias"] = matmul(out["dh_pre"].T, flat), add(out["dh_pre"].T)
    out["demb"] = matmul(out["dh_pre"], w1).reshape(out["emb"].shape)
    out["dwte"] = np.zeros_like(wte)
    np.add.at(out["dwte"], inputs, out["demb"])
    return out


def measure(seed: int, dtype: type, add: Sum) -> list[Measurement]:
    """Every tensor of one random case against the oracle."""
    _, parameters, inputs, targets = random_mlp_case(np.random.default_rng(seed), dtype)
    expected = oracle.mlp(parameters, inputs, targets)
    limits = bounds.mlp_bounds(parameters, inputs, targets, dtype)
    actual = mlp(parameters, inputs, targets, add)
    return [compare(name, actual[name], expected[name], limits[name], dtype) for name in expected]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ORDERS)
def test_correct_code_stays_within_both_bounds_in_any_order_of_summation(order: str, dtype: type) -> None:
    for seed in range(SHAPES):
        for m in measure(seed, dtype, ORDERS[order]):
            assert m.ok, (seed, m)
            assert m.u_of_largest <= T2_SEEN, (seed, m)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bound_is_so_tight_that_the_rounding_of_correct_code_is_visible_in_it(dtype: type) -> None:
    measured = [m for seed in range(SHAPES) for m in measure(seed, dtype, ORDERS["sequential"]) if m.name != "emb"]
    tightest = np.reshape([m.share_of_bound for m in measured], (SHAPES, -1)).max(axis=0)
    # A bound a thousand times wider would prove nothing: bf16 is 65,536 u and must not be within it.
    assert tightest.min() > 2.0**-10


@pytest.mark.parametrize("dtype", DTYPES)
def test_bounds_are_finite_nonnegative_and_keyed_like_the_oracle(dtype: type) -> None:
    _, parameters, inputs, targets = random_mlp_case(np.random.default_rng(0), dtype)
    values = oracle.mlp(parameters, inputs, targets)
    limits = bounds.mlp_bounds(parameters, inputs, targets, dtype)
    assert list(limits) == list(values)
    for name, limit in limits.items():
        assert np.shape(limit) == np.shape(values[name]), name
        assert np.isfinite(limit).all(), name
        assert np.all(limit >= 0), name


@pytest.mark.parametrize("seed", range(20))
def test_no_two_sizes_of_a_case_are_equal_and_tokens_and_signs_are_mixed(seed: int) -> None:
    sizes, parameters, inputs, targets = random_mlp_case(np.random.default_rng(seed), np.float32)
    distinct = {*sizes.values(), sizes["T"] * sizes["E"]}
    assert len(distinct) == len(sizes) + 1
    assert len(np.unique(inputs)) < inputs.size
    assert len(np.unique(targets)) > 1
    for p in parameters.values():
        assert p.dtype == np.float32
        assert p.min() < 0 < p.max()


def test_an_op_without_a_bound_is_named() -> None:
    with pytest.raises(ValueError, match="swish_forward"):
        bounds.op_bounds("swish_forward", {}, np.float32)
    with pytest.raises(ValueError, match="swish_forward"):
        op_cases("swish_forward", np.random.default_rng(0), np.float32)
