"""Shapes from hypothesis: no two sizes alike, primes and ones among them; no backend leaves its proven bound."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnz.backend import registry
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.checks.model_under_test import Model, compare_with_oracle

EXAMPLES, FEW = 15, 4
SIZES = st.lists(st.integers(1, 61), min_size=5, max_size=5, unique=True).filter(lambda n: n[-1] > 1)


def drawn(rng, V, T, E, H, dtype):
    """Weights at which tanh bends and no gradient vanishes, biases of both signs."""
    shapes = {"wte": (V, E), "fc1.weight": (H, T * E), "fc1.bias": (H,), "fc2.weight": (V, H), "fc2.bias": (V,)}
    return {
        k: (rng.normal(size=shape) / np.sqrt(shape[-1] if k != "wte" else 1)).astype(dtype)
        for k, shape in shapes.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("backend", registry.names())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_shape_takes_a_backend_out_of_its_bounds(backend, dtype):
    backend = BackendUnderTest(backend)

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(sizes=SIZES, seed=st.integers(0, 2**32 - 1))
    def check(sizes, seed):
        B, T, E, H, V = sizes
        rng = np.random.default_rng(seed)
        weights = drawn(rng, V, T, E, H, dtype)
        batch = rng.integers(0, V, (B, T)), rng.integers(0, V, B)
        model = Model(backend, {"V": V, "T": T, "E": E, "H": H}, dtype, weights)
        tensors = model.step(*batch) | model.intermediates()
        for m in compare_with_oracle(tensors, weights, batch, dtype, any_size=True):
            assert m.share_of_bound <= 1, (sizes, m)
            assert m.ok or min(sizes) < FEW, (sizes, m)  # sums of few terms may cancel, and then T2 says nothing

    check()
