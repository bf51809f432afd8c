"""Generation against the plain loop, written out here: cache, batches and streaming change no token."""

from itertools import islice

import numpy as np
import pytest
import torch
from test_gpt_choice import WAYS
from test_gpt_proofs import V, random_ids, random_model

import nnz.gpt
from nnz import RNG
from nnz.runs.choice import Choice

T = 9  # the models' context_length


def plain_loop(nn, model, prompt, tokens, rng, temperature=1.0, top_k=0, top_p=1.0):
    """One row, no cache: crop to the context, run the whole window, draw one token."""
    choice, row = Choice(temperature, top_k, top_p), list(prompt)
    for _ in range(tokens):
        with torch.no_grad():
            logits = model(np.array([row[-T:]]))[0][0, -1].numpy()
        row.append(choice.token(logits, rng.uniform()))
    return row


def check_plain_loop(nn):
    model = random_model(nn, "gpt2", dtype="float32")
    for n in (1, T + 3):  # a longer prompt is cut to its end
        prompt = random_ids(n, (1, n))
        for way in WAYS:
            rng, same = RNG(5), RNG(5)
            expected = plain_loop(nn, model, prompt[0], 2 * T, same, **way)
            for cache in (True, False):
                rng.state = 5
                assert nn.generate(model, prompt, 2 * T, rng, cache=cache, **way)[0].tolist() == expected
            assert rng.state == same.state


def check_batch(nn):
    """The uniforms of the one stream go to sample after sample."""
    model, prompts, rng = random_model(nn, "course", dtype="float32"), random_ids(6, (4, 3)), RNG(8)
    together = nn.generate(model, prompts, 12, RNG(8))
    for prompt, row in zip(prompts, together, strict=True):
        assert row.tolist() == plain_loop(nn, model, prompt, 12, rng)


def check_mode(nn):
    """Neither dropout while generating, nor another mode afterwards."""
    model, prompt = random_model(nn, dropout=0.5), random_ids(1, (1, 4))
    expected = nn.generate(model, prompt, 20, RNG(1)).tolist()
    model.train()
    assert nn.generate(model, prompt, 20, RNG(1)).tolist() == expected
    assert model.training


CHECKS = [check for name, check in list(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_package_passes(check):
    check(nnz.gpt)


@pytest.mark.parametrize("roll", [1, 2, 5, T])
def test_a_rolling_window_gives_the_same_tokens_with_and_without_the_cache(roll):
    model, prompt = random_model(nnz.gpt), random_ids(8, (2, 4))
    cached, uncached = (nnz.gpt.generate(model, prompt, 40, RNG(2), roll=roll, cache=cache) for cache in (True, False))
    assert cached.tolist() == uncached.tolist()


def test_an_uncertain_draw_is_made_again_from_its_own_window_alone(monkeypatch):
    model, prompt, seen = random_model(nnz.gpt), random_ids(8, (2, 4)), []
    expected = nnz.gpt.generate(model, prompt, 6, RNG(2)).tolist()
    monkeypatch.setattr(nnz.runs.generation, "logit_error", lambda config, logits: 1.0)
    model.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0].shape))
    assert nnz.gpt.generate(model, prompt, 6, RNG(2)).tolist() == expected
    assert {(1, n) for n in range(4, 10)} < set(seen)


def test_tokens_stream_one_at_a_time_and_a_lone_sample_draws_as_it_goes():
    rng, same = RNG(3), RNG(3)
    tokens = nnz.gpt.stream(random_model(nnz.gpt), random_ids(1, (1, 2)), 1000, rng)
    assert [token.shape for token in islice(tokens, 3)] == [(1,)] * 3
    same.uniform(size=3)
    assert rng.state == same.state


def test_a_tensor_prompt_gives_a_tensor_and_an_array_an_array():
    model, prompt = random_model(nnz.gpt), random_ids(1, (2, 3))
    arrays, tensors = (nnz.gpt.generate(model, ids, 4, RNG(1)) for ids in (prompt, torch.from_numpy(prompt)))
    assert arrays.shape == (2, 7)
    assert arrays[:, :3].tolist() == prompt.tolist()
    assert tensors.tolist() == arrays.tolist()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"temperature": -1.0}, "temperature must be finite and at least 0"),
        ({"top_k": -1}, "top_k must be finite and at least 0"),
        ({"top_k": 1.5}, "top_k must be an integer"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1"),
        ({"top_p": 1.1}, "top_p must be above 0 and at most 1"),
        ({"roll": 10}, "roll must be at most the context_length, 9; got 10"),
        ({"tokens": 0}, "tokens must be at least 1"),
        ({"rng": 7}, "rng must be an nnz.RNG"),
        ({"idx": np.array([[V]])}, r"idx\[0, 0\] is 11; token ids run from 0 to 10"),
        ({"idx": np.array([1, 2])}, r"idx must have shape \(B, T\)"),
        ({"idx": np.zeros((1, 0), int)}, "idx is an empty batch"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_drawn(how, message):
    rng = RNG(1)
    with pytest.raises((TypeError, ValueError), match=message):
        nnz.gpt.stream(random_model(nnz.gpt), **{"idx": np.array([[1]]), "tokens": 2, "rng": rng} | how)
    assert rng.state == 1


def test_a_diverged_model_is_refused():
    model = random_model(nnz.gpt)
    torch.nn.init.constant_(model.norm.weight, torch.nan)
    with pytest.raises(FloatingPointError, match="not finite"):
        nnz.gpt.generate(model, np.array([[1]]), 1, RNG(1))


@pytest.mark.slow
def test_the_cache_changes_no_token_up_to_256_tokens_of_context():
    model, prompt = nnz.gpt.GPT(nnz.gpt.GPTConfig(65)).eval(), np.zeros((1, 192), int)
    drawn = [nnz.gpt.generate(model, prompt, 64, RNG(1), cache=cache).tolist() for cache in (True, False)]
    assert all(tokens == drawn[0] for tokens in drawn)
