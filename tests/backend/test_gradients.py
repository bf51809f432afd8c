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


@pytest.mark.parametrize("backend", registry.names())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_tensor_is_within_its_bound_of_the_oracle(backend, dtype):
    nn, generator = registry.load(backend), np.random.default_rng(2003)
    for _ in range(SHAPES):
        sizes, parameters, inputs, targets = random_mlp_case(generator, dtype)
        assert len(set(sizes.values())) == len(sizes)
        model = nn.MLP(*(sizes[letter] for letter in "VTEH"), rng=nnz.RNG(1), dtype=dtype)
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
