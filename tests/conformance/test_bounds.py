"""T1 never raises a false alarm and T2 is not near one; a planted bug exceeds one of them, in either dtype."""

from collections.abc import Callable

import numpy as np
import pytest
from support.honest_mlp import ORDERS, numpy_mlp, torch_mlp

from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import T2_SEEN, Measurement, compare
from nnz.conformance.cases.mlp import random_mlp_case
from nnz.conformance.oracle import mlp as oracle

Array = np.ndarray
DTYPES = [np.float32, np.float64]
SHAPES = 40  # for each implementation and dtype; 1,000 were tried once, with the same result
IMPLEMENTATIONS: dict[str, Callable[..., dict[str, Array]]] = {
    **{name: (lambda *case, order=order: numpy_mlp(*case, order=order)) for name, order in ORDERS.items()},
    "torch": torch_mlp,
}
MUTANTS = [
    "bf16 rounding",
    "tanh off by 2e-6",
    "no maximum taken off",
    "sum for mean",
    "1/(B-1)",
    "bias gradient dropped",
    "tanh' skipped",
    "scatter overwrites",
    "last row ignored",
    "weight read the wrong way",
]


def measure(seed: int, dtype: type, run: Callable[..., dict[str, Array]]) -> list[Measurement]:
    """One random case through an implementation, every tensor held against the oracle."""
    _, parameters, inputs, targets = random_mlp_case(np.random.default_rng(seed), dtype)
    expected = oracle.mlp(parameters, inputs, targets)
    limits = bounds.mlp_bounds(parameters, inputs, targets, dtype)
    actual = run(parameters, inputs, targets)
    return [compare(name, actual[name], expected[name], limits[name], dtype) for name in expected]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_honest_code_stays_within_the_proof_and_well_within_the_vice(implementation: str, dtype: type) -> None:
    for seed in range(SHAPES):
        for m in measure(seed, dtype, IMPLEMENTATIONS[implementation]):
            assert m.ok, (seed, m)
            assert m.u_of_largest <= T2_SEEN, (seed, m)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bound_is_tight_enough_that_honest_rounding_shows_in_it(dtype: type) -> None:
    shares = [m.share_of_bound for seed in range(SHAPES) for m in measure(seed, dtype, torch_mlp) if m.name != "emb"]
    tightest = np.reshape(shares, (SHAPES, -1)).max(axis=0)
    # A bound a thousand times too wide would be no proof: bf16 is 65,536 u and must not fit into it.
    assert tightest.min() > 2.0**-10


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value encountered")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_bug_is_seen_by_one_of_the_two_checks(mutant: str, dtype: type) -> None:
    def broken(*case: Array) -> dict[str, Array]:
        return numpy_mlp(*case, mutant=mutant)

    caught = [not all(m.ok for m in measure(seed, dtype, broken)) for seed in range(SHAPES)]
    if mutant == "no maximum taken off":  # shows where a logit overflows exp, in one case of five
        assert any(caught)
    else:
        assert all(caught), [seed for seed, seen in enumerate(caught) if not seen]


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
