"""The gradients of every rung in every backend and both dtypes: layer by layer by T1 and T2, and from end to end."""

import numpy as np
import pytest
from test_ladder import VARIANTS, V, built, named, rung

import nnz
from nnz.backend import registry
from nnz.conformance.bounds import layers as bounded_layers
from nnz.conformance.bounds.compare import T2_LIMIT, compare
from nnz.conformance.bounds.error_propagation import BoundPropagation, NoisePropagation, Propagation
from nnz.conformance.oracle import mlp as oracle
from nnz.recipes import models

Array = np.ndarray
B = 61
NOISY_PASSES = 4

of_layers = named([variant for variant in VARIANTS if variant[0] != "namegen"])  # nn.MLP: the grading has its bounds
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
each_backend = pytest.mark.parametrize("backend", registry.names())


def case(name: str, changes: dict, backend: str, dtype: str):
    """A rung, its reference, and a batch. Biases and gains are random, since 0 and 1 would hide mistakes."""
    narrow = {"model.hidden_size": 64} if name != "bigram" else {}
    settings = rung(name, {**changes, **narrow, "train.seed": 1}, dtype)
    model, rng = built(settings, backend), np.random.default_rng(1)
    drawn = {k: rng.normal(0, 0.3, p.shape) if p.ndim == 1 else 0.0 for k, p in model.parameters().items()}
    model.load_parameters({k: (p + drawn[k]).astype(dtype) for k, p in model.parameters().items()})
    reference = models.RUNGS[settings.model.kind](bounded_layers, settings.model, V, dtype=dtype)
    data = nnz.load_dataset("names", "padded")
    return model, reference, *next(data.train.batches(settings.model.context_length, B, seed=4))


@pytest.mark.slow
@of_layers
@each_dtype
@each_backend
def test_every_layer_of_a_rung_is_within_its_bounds_of_the_oracle_on_what_it_is_given(
    name, changes, dtype, backend
) -> None:
    """Not from end to end: errors grow from layer to layer, in correct code too, and a bound on them says nothing."""
    model, reference, x, targets = case(name, changes, backend, dtype)
    reference.load(model.parameters(), model.buffers(), BoundPropagation(dtype))
    ops, pairs, measured = registry.load(backend).ops, list(zip(model.layers.layers, reference.layers, strict=True)), []
    for layer, expected in pairs:
        y, limit = expected.forward(x, np.zeros(x.shape))
        x = layer(x)
        measured.append(compare("y", x, y, limit, dtype))
    dy = ops.cross_entropy_backward(ops.cross_entropy_forward(x, targets)[1], targets)
    for layer, expected in reversed(pairs):
        back = expected.backward(dy.astype(np.float64), np.zeros(dy.shape))
        dy, gradients = layer.backward(dy), expected.found("gradients")
        measured += [compare(k, g, *gradients[k], dtype) for k, g in layer.gradients().items()]
        measured += [] if dy is None else [compare("dx", dy, *back, dtype)]
    assert all(m.ok for m in measured), [m for m in measured if not m.ok]


@pytest.mark.slow
@of_layers
@each_dtype
@each_backend
def test_the_gradients_of_a_whole_rung_are_off_by_no_more_than_rounding_costs_in_it(
    name, changes, dtype, backend
) -> None:
    """T2 in the unit that suits the model: not u of the largest entry, but what u at every op does to that gradient."""
    model, reference, inputs, targets = case(name, changes, backend, dtype)
    model(inputs, targets)
    found, parameters, buffers = model.backward(), model.parameters(), model.buffers()
    exact = gradients_of(reference.load(parameters, buffers, Propagation()), inputs, targets)
    noisy = []
    for seed in range(NOISY_PASSES):
        noise = NoisePropagation(dtype, np.random.default_rng(seed))
        noisy.append(gradients_of(reference.load(parameters, buffers, noise), inputs, targets))
    assert list(found) == list(exact)
    for k, value in found.items():
        noise = max(np.abs(other[k] - exact[k]).max() for other in noisy)
        assert 0 < noise < np.abs(exact[k]).max() / T2_LIMIT, k  # a gradient smaller than its noise would show nothing
        assert np.abs(value - exact[k]).max() <= T2_LIMIT * noise, k


def gradients_of(reference, inputs: Array, targets: Array) -> dict[str, Array]:
    """The gradient of the loss by every parameter."""
    logits, error = reference.forward(inputs, np.zeros(inputs.shape))
    dlogits = oracle.cross_entropy_backward(oracle.cross_entropy_forward(logits, targets)[1], targets)
    reference.backward(dlogits, np.zeros_like(error))
    return {k: value for k, (value, _) in reference.found("gradients").items()}
