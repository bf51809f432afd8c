"""Generation by nn.GPT of each backend: the same tokens from all, with the cache and without it."""

import numpy as np
import pytest
import torch

import nnz
import nnz.gpt
from nnz.backend import registry
from nnz.runs import generation
from nnz.runs.generation import logit_error

BACKENDS = ("c", "nnz.c.plain", "numpy", "torch")
T, V = 7, 11
SIZES = {"vocab_size": V, "context_length": T, "n_layer": 2, "n_head": 3, "n_embd": 12, "dropout": 0.5}
SWITCHES = {
    "the course's": {},
    "GPT-2's": {"activation": "gelu", "qkv_bias": True, "head_bias": False, "tied_head": True},
    "without biases, rms": {"linear_bias": False, "head_bias": False, "norm": "rms"},
    "norm first": {"norm_first": True},
}
WAYS = [{}, {"temperature": 3.0}, {"temperature": 0.0}, {"top_k": 3}, {"top_p": 0.8}, {"banned": (0, 3)}]

each_backend = pytest.mark.parametrize("name", BACKENDS)
each_shape = pytest.mark.parametrize("switches", SWITCHES.values(), ids=list(SWITCHES))


def model(name, dtype="float64", **switches):
    gpt = registry.load(name).GPT(**(SIZES | {"rng": nnz.RNG(3), "dtype": dtype} | switches))
    rng = np.random.default_rng(1)
    gpt.load_parameters({k: rng.normal(0, 0.5, p.shape) for k, p in gpt.parameters().items()})
    return gpt


def ids(B, n):
    return np.random.default_rng(n).integers(0, V, (B, n))


@each_shape
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_every_backend_draws_the_tokens_of_the_torch_module(way, switches):
    """Past the context's end too, where the window slides."""
    first = model("numpy", **switches)
    theirs = nnz.gpt.GPT(nnz.gpt.GPTConfig(dtype="float64", **(SIZES | switches)), parameters=first.parameters())
    for prompt in (ids(1, 1), ids(3, 4), ids(1, T + 3)):
        expected = nnz.generate(theirs, prompt, 2 * T, nnz.RNG(5), **way).tolist()
        for name in BACKENDS:
            for cache in (True, False):
                found = nnz.generate(model(name, **switches), prompt, 2 * T, nnz.RNG(5), cache=cache, **way)
                assert found.tolist() == expected, (name, cache)


@each_backend
@each_shape
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_with_a_cache_are_those_without_up_to_their_rounding(name, switches, dtype):
    gpt, tokens = model(name, dtype, **switches), ids(2, T)
    for pieces in ([1] * T, [3, 1, T - 4], [T]):
        cache, end = gpt.new_cache(2), 0
        for n in pieces:
            end += n
            found, alone = gpt.last_logits(tokens[:, end - n : end], cache), gpt.last_logits(tokens[:, :end])
            assert found.dtype == alone.dtype == dtype
            assert found.shape == alone.shape == (2, V)
            assert np.abs(found - alone).max() <= logit_error(gpt.config, alone)
            assert cache.length == end


@each_backend
def test_a_cache_of_other_rows_or_of_another_model_is_refused(name):
    gpt = model(name)
    with pytest.raises(ValueError, match="tokens has 3 rows; the cache has 1"):
        gpt.last_logits(ids(3, 1), gpt.new_cache(1))
    with pytest.raises(ValueError, match="the cache is one of a model of another shape"):
        gpt.last_logits(ids(1, 1), model(name, "float32").new_cache(1))
    for other in registry.available():
        if other != name:
            with pytest.raises(ValueError, match="the cache is one of a model of another shape or backend"):
                gpt.last_logits(ids(1, 1), model(other).new_cache(1))
    with pytest.raises(ValueError, match="B must be"):
        gpt.new_cache(0)


def test_a_tensor_of_bytes_is_continued_by_tokens_beyond_them():
    gpt = registry.load("torch").GPT(**SIZES | {"vocab_size": 300, "rng": nnz.RNG(3)})
    prompt = ids(1, 3)
    found = nnz.generate(gpt, torch.tensor(prompt, dtype=torch.uint8), 40, nnz.RNG(1), temperature=5.0)
    assert found.tolist() == nnz.generate(gpt, prompt, 40, nnz.RNG(1), temperature=5.0).tolist()
    assert found.max() > 255


@each_backend
def test_an_uncertain_draw_is_made_again_from_its_own_window_alone(name, monkeypatch):
    gpt, prompt = model(name), ids(2, 3)
    expected, seen = nnz.generate(gpt, prompt, 6, nnz.RNG(2)).tolist(), []
    monkeypatch.setattr(generation, "logit_error", lambda config, logits: 1.0)
    last_logits = gpt.last_logits
    monkeypatch.setattr(gpt, "last_logits", lambda x, cache=None: seen.append(x.shape) or last_logits(x, cache))
    assert nnz.generate(gpt, prompt, 6, nnz.RNG(2)).tolist() == expected
    assert {(1, n) for n in range(4, T)} < set(seen)


@each_backend
def test_generation_draws_no_dropout_and_leaves_the_mode_and_the_step(name):
    gpt = model(name)
    gpt.dropout_step = 3
    expected = nnz.generate(model(name).eval(), ids(1, 2), T, nnz.RNG(1)).tolist()
    assert nnz.generate(gpt, ids(1, 2), T, nnz.RNG(1)).tolist() == expected
    assert (gpt.training, gpt.dropout_step) == (True, 3)


@each_backend
def test_backward_after_generation_needs_a_forward_again(name):
    gpt = model(name)
    gpt(ids(2, 4), ids(2, 4))
    gpt.last_logits(ids(1, 1), gpt.new_cache(1))
    with pytest.raises(RuntimeError, match="needs a forward with targets first"):
        gpt.backward()


@each_backend
def test_more_tokens_than_the_context_holds_are_refused_before_they_are_kept(name):
    gpt = model(name)
    cache = gpt.new_cache(1)
    gpt.last_logits(ids(1, 4), cache)
    with pytest.raises(ValueError, match=r"^tokens has 4 tokens a row after 4 in the cache; the context_length is 7$"):
        gpt.last_logits(ids(1, 4), cache)
    with pytest.raises(ValueError, match=r"^tokens\[0, 0\] is 11; token ids run from 0 to 10$"):
        gpt.last_logits(np.array([[V]]), cache)
    assert cache.length == 4
    assert gpt.last_logits(ids(1, 3), cache).shape == (1, V)
