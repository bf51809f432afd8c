"""The layers of a GPT are torch's of the same names, in every backend, in training and in evaluation."""

import numpy as np
import pytest
import torch
from support.gpt_limits import GRADIENT_LIMIT
from torch import nn as theirs

import nnz
from nnz.backend import registry

B, T, E, H = 5, 6, 12, 3


class Attention(theirs.Module):
    """Attention as torch has it: its own projections, and its own fused product."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj = theirs.Linear(E, 3 * E), theirs.Linear(E, E)

    def forward(self, x):
        q, k, v = self.qkv(x).view(B, T, 3, H, E // H).permute(2, 0, 3, 1, 4)
        y = theirs.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(B, T, E))


LAYERS = {
    "LayerNorm": (lambda nn, dtype: nn.LayerNorm(E, dtype=dtype), lambda dtype: theirs.LayerNorm(E, dtype=dtype)),
    "LayerNorm, eps": (
        lambda nn, dtype: nn.LayerNorm(E, eps=0.5, dtype=dtype),
        lambda dtype: theirs.LayerNorm(E, eps=0.5, dtype=dtype),
    ),
    "RMSNorm": (lambda nn, dtype: nn.RMSNorm(E, dtype=dtype), lambda dtype: theirs.RMSNorm(E, dtype=dtype)),
    "RMSNorm without a weight": (
        lambda nn, dtype: nn.RMSNorm(E, 0.1, elementwise_affine=False, dtype=dtype),
        lambda dtype: theirs.RMSNorm(E, 0.1, elementwise_affine=False),
    ),
    "ReLU": (lambda nn, dtype: nn.ReLU(), lambda dtype: theirs.ReLU()),
    "GELU": (lambda nn, dtype: nn.GELU(), lambda dtype: theirs.GELU(approximate="tanh")),
    "CausalSelfAttention": (
        lambda nn, dtype: nn.CausalSelfAttention(E, H, rng=nnz.RNG(1), dtype=dtype),
        lambda dtype: Attention().to(dtype),
    ),
}

each_backend = pytest.mark.parametrize("nn", [registry.load(name) for name in registry.names()], ids=registry.names())
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def with_weights(layer):
    rng = np.random.default_rng(1)
    layer.load_parameters({k: rng.normal(0.3, 0.5, p.shape) for k, p in layer.parameters().items()})
    return layer


def assert_close(found, expected, dtype):
    expected = expected.detach().numpy()
    largest = np.abs(expected).max()
    assert np.asarray(found).dtype == expected.dtype
    assert largest > 0
    assert np.abs(found - expected).max() <= GRADIENT_LIMIT[dtype] * largest


@each_backend
@each_dtype
@pytest.mark.parametrize("layer", LAYERS)
def test_y_dx_and_every_gradient_are_torchs(nn, layer, dtype):
    (make, make_theirs), rng = LAYERS[layer], np.random.default_rng(2)
    ours, reference = with_weights(make(nn, dtype)), make_theirs(getattr(torch, dtype))
    reference.load_state_dict({k: torch.tensor(np.asarray(p)) for k, p in ours.parameters().items()})
    for _ in range(2):
        x, dy = (rng.normal(size=(B, T, E)).astype(dtype) for _ in range(2))
        leaf = torch.tensor(x, requires_grad=True)
        y = reference(leaf)
        assert_close(ours(x), y, dtype)
        parameters = dict(reference.named_parameters())
        dx, *gradients = torch.autograd.grad(y, [leaf, *parameters.values()], torch.tensor(dy))
        assert_close(ours.backward(dy), dx, dtype)
        assert_close(ours.backward(dy), dx, dtype)  # the same again
        assert list(ours.gradients()) == list(parameters)
        for name, gradient in zip(parameters, gradients, strict=True):
            assert_close(ours.gradients()[name], gradient, dtype)


@each_backend
def test_dropout_is_its_mask_in_training_and_nothing_in_evaluation(nn):
    layer, x = nn.Dropout(0.4, seed=7, site=2), np.random.default_rng(3).normal(size=(B, E))
    for step in range(3):
        mask = np.empty_like(x)
        nn.ops.dropout_mask(mask, 0.4, 7, 2, step)
        assert 0 < (mask == 0).mean() < 1
        assert np.array_equal(layer(x), x * mask)
        assert np.array_equal(layer.backward(x), x * mask)
    layer.eval()
    assert np.array_equal(layer(x), x)
    assert np.array_equal(layer.backward(x), x)
    assert layer.step == 3


def gpt_block(nn, dtype):
    """A block as nn.GPT has it, out of layers."""
    draw = {"rng": nnz.RNG(2), "dtype": dtype}
    attend = nn.Sequential(nn.LayerNorm(E, dtype=dtype), nn.CausalSelfAttention(E, H, **draw), nn.Dropout(0.2, site=1))
    feed = nn.Linear(E, 4 * E, **draw), nn.GELU(), nn.Linear(4 * E, E, **draw), nn.Dropout(0.2, site=2)
    return nn.Sequential(nn.Residual(attend), nn.Residual(nn.Sequential(nn.RMSNorm(E, dtype=dtype), *feed)), nn.ReLU())


@each_dtype
def test_a_block_of_layers_is_the_same_in_every_backend(dtype):
    x, dy = np.random.default_rng(4).normal(size=(2, B, T, E)).astype(dtype)
    found = []
    for name in registry.names():
        block = gpt_block(registry.load(name), dtype)
        found.append({"y": block(x), "dx": block.backward(dy), **block.gradients()})
    for other in found[1:]:
        assert list(other) == list(found[0])
        for key, value in other.items():
            assert_close(value, torch.tensor(np.asarray(found[0][key])), dtype)


@each_backend
@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda nn: nn.CausalSelfAttention(7, 2, rng=nnz.RNG(1)), ValueError, "n_embd must be a multiple of n_head"),
        (lambda nn: nn.CausalSelfAttention(8, 2), TypeError, "rng must be an nnz.RNG"),
        (lambda nn: nn.Dropout(1.0), ValueError, "p must be below 1; got 1.0"),
        (lambda nn: nn.GELU(approximate="none"), ValueError, "approximate must be 'tanh'"),
        (lambda nn: nn.LayerNorm(0), ValueError, "normalized_shape must be at least 1; got 0"),
        (lambda nn: nn.RMSNorm(2.5), TypeError, "normalized_shape must be an integer, not float"),
        (lambda nn: nn.LayerNorm(4)(np.zeros((2, 5), np.float32)), ValueError, r"x must have shape \(B, 4\)"),
        (
            lambda nn: nn.CausalSelfAttention(4, 2, rng=nnz.RNG(1))(np.zeros((2, 4), np.float32)),
            ValueError,
            r"x must have shape \(B, T, 4\); got \(2, 4\)",
        ),
        (lambda nn: nn.ReLU().backward(np.zeros(3)), RuntimeError, "backward needs a forward first"),
    ],
)
def test_what_makes_no_sense_is_refused(nn, make, kind, message):
    with pytest.raises(kind, match=message):
        make(nn)


@each_backend
def test_a_layer_says_what_it_is(nn):
    assert repr(nn.LayerNorm(4)) == "LayerNorm(normalized_shape=4, eps=1e-05, dtype='float32')"
    assert repr(nn.Dropout(0.1)) == "Dropout(p=0.1, seed=1337, site=0)"
    shown = "CausalSelfAttention(n_embd=4, n_head=2, bias=True, dtype='float32')"
    assert repr(nn.CausalSelfAttention(4, 2, rng=nnz.RNG(1))) == shown
