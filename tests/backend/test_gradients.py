"""Loss, every intermediate and every gradient of each backend, against the float64 oracle, on random shapes."""

import numpy as np
import pytest

import nnz
from nnz.backend import registry
from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import compare
from nnz.conformance.cases.mlp import random_mlp_case
from nnz.conformance.oracle import mlp as oracle

SHAPES = 20


each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.mark.parametrize("backend", registry.names())
@each_dtype
def test_every_tensor_is_within_its_bound_of_the_oracle(backend, dtype):
    assert_within_bounds(registry.load(backend), dtype, SHAPES)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler uses what torch deprecates
@each_dtype
def test_compiled_by_torch_every_tensor_is_within_its_bound_of_the_oracle(dtype):
    pytest.importorskip("torch", reason="torch is not installed")
    assert_within_bounds(registry.load("torch"), dtype, 3, compile=True)


def assert_within_bounds(nn, dtype, shapes, **settings):
    generator = np.random.default_rng(2003)
    for _ in range(shapes):
        sizes, parameters, inputs, targets = random_mlp_case(generator, dtype)
        assert len(set(sizes.values())) == len(sizes)
        model = nn.MLP(*(sizes[letter] for letter in "VTEH"), rng=nnz.RNG(1), dtype=dtype, **settings)
        model.load_parameters(parameters)
        logits, loss = model(inputs, targets)
        gradients = {"d" + name: gradient for name, gradient in model.backward().items()}
        actual = {"loss": loss, **gradients, **model.intermediates(), "logits": logits}

        wide = {name: p.astype(np.float64) for name, p in parameters.items()}
        expected = oracle.mlp(wide, inputs, targets)
        allowed = bounds.mlp_bounds(parameters, inputs, targets, dtype)
        assert set(actual) == set(expected)
        for name in expected:
            measured = compare(name, actual[name], expected[name], allowed[name], dtype)
            assert measured.ok, f"{sizes}: {measured}"
