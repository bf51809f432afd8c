"""From logits to a token: the definition, top-p beside it, and when rounding could matter."""

import math

import numpy as np
import pytest
from test_gpt_proofs import V, random_ids, random_model

import nnz.gpt
import nnz.runs.choice
import nnz.runs.generation

WAYS = [{}, {"temperature": 3.0}, {"temperature": 0.0}, {"top_k": 3}, {"top_p": 0.8}, {"top_k": 5, "top_p": 0.6}]


def plain_choice(logits, uniform, temperature, top_k):
    """The definition, token by token."""
    if temperature == 0:
        return list(logits).index(max(logits))
    least = sorted(logits)[-top_k] if 0 < top_k < len(logits) else min(logits)
    weights = [math.exp((z - max(logits)) / temperature) if z >= least else 0.0 for z in logits]
    running = 0.0
    for token, weight in enumerate(weights):
        running += weight / sum(weights)
        if running > uniform:
            return token
    return len(logits) - 1


def check_choice(nn):
    generator = np.random.default_rng(3)
    for _ in range(300):
        logits, uniform = generator.normal(size=V) * 2, generator.uniform()
        for temperature, top_k in ((1.0, 0), (0.5, 0), (0.0, 0), (1.3, 4), (1.0, V + 5)):
            expected = plain_choice(logits, uniform, temperature, top_k)
            assert nn.Choice(temperature, top_k).token(logits, uniform) == expected
    quarters = np.zeros(4)
    assert [nn.Choice().token(quarters, u) for u in (0, 0.25, 0.5)] == [0, 1, 2]  # a sum that equals is passed over


def check_top_p(nn):
    logits = np.log(np.array([0.05, 0.5, 0.15, 0.3]))
    for top_p, kept in ((0.4, {1}), (0.6, {1, 3}), (0.9, {1, 2, 3}), (0.99, {0, 1, 2, 3}), (1.0, {0, 1, 2, 3})):
        drawn = {nn.Choice(top_p=top_p).token(logits, u) for u in np.linspace(0, 0.999, 200)}
        assert drawn == kept, top_p


def check_certainty(nn):
    """Draws near an edge must be called uncertain: every change of token that rounding can cause is foreseen."""
    generator, error, changes = np.random.default_rng(4), 0.01, 0
    for _ in range(3000):
        logits, uniform = generator.normal(size=V), generator.uniform()
        off = logits + error * generator.choice([-1, 1], size=V)
        for way in WAYS:
            choice = nn.Choice(**way)
            token, certain = choice.token(logits, uniform), choice.certain_token(logits, uniform, error)
            assert certain in (token, None), way
            if token != choice.token(off, uniform):
                changes += 1
                assert certain is None, way
    assert changes > 100  # an error this large does change tokens


CHECKS = [check for name, check in list(globals().items()) if name.startswith("check_")]


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_package_passes(check):
    check(nnz.runs.choice)


def test_most_draws_are_certain_so_that_the_cache_pays():
    model, generator = random_model(nnz.gpt, dtype="float32"), np.random.default_rng(5)
    logits = model(random_ids(7, (40, 9)))[0].detach().numpy().reshape(-1, V)
    error = nnz.runs.generation.logit_error(model.config, logits)
    tokens = [nnz.runs.choice.Choice().certain_token(row, generator.uniform(), error) for row in logits]
    assert tokens.count(None) / len(tokens) < 0.01
