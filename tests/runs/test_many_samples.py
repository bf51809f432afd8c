"""Many samples are those drawn one after the other, though each context goes through the model once."""

import numpy as np
import pytest
from test_sampling import TOKENIZER

from nnz import RNG
from nnz.runs import sampling
from nnz.runs.choice import Choice
from nnz.runs.sampling import Sampler


class Skewed:
    """A model that likes some tokens better, which ones the context decides, and counts the contexts it was shown."""

    def __init__(self):
        self.contexts, self.batches = [], []

    def __call__(self, inputs, targets=None):
        self.contexts += map(tuple, inputs.tolist())
        self.batches.append(inputs.tolist())
        rows = [np.random.default_rng(context).normal(0, 2, 4) for context in inputs.tolist()]
        return np.array(rows, np.float32), None


@pytest.mark.parametrize("how", [{}, {"prompt": "ab"}, {"tokens": 7}])
def test_many_samples_are_those_drawn_one_after_the_other(how):
    draw = Sampler(Skewed(), TOKENIZER, context_length=2)
    together, apart = RNG(5), RNG(5)
    many = [list(tokens) for tokens in draw.samples(together, 200, **how)]
    assert many == [list(draw.sample(apart, **how)) for _ in range(200)]
    assert together.state == apart.state


def test_of_many_samples_each_context_goes_through_the_model_once():
    draw = Sampler(Skewed(), TOKENIZER, context_length=2)
    tokens = sum(len(list(sample)) + 1 for sample in draw.samples(RNG(5), 200))
    assert len(draw.model.contexts) == len(set(draw.model.contexts)) <= 4**2 < tokens


def test_no_more_contexts_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(sampling, "CACHE_SIZE", 4)  # of one context
    draw = Sampler(Skewed(), TOKENIZER, context_length=2)
    many = [list(tokens) for tokens in draw.samples(RNG(5), 50)]
    assert len(draw.model.contexts) > len(set(draw.model.contexts))
    apart = RNG(5)
    assert many == [list(draw.sample(apart)) for _ in range(50)]


@pytest.mark.parametrize(("most", "alike"), [(3, 2), (4, 1), (15, 1), (16, 0)])
def test_contexts_that_begin_alike_go_through_the_model_together(monkeypatch, most, alike):
    monkeypatch.setattr(sampling, "MAX_BATCH", most)
    draw = Sampler(Skewed(), TOKENIZER, context_length=2)
    list(map(list, draw.samples(RNG(5), 200)))
    for batch in draw.model.batches:
        assert len(batch) == 4 ** (2 - alike)
        assert all(context[:alike] == batch[0][:alike] for context in batch)


# 20 times 12 is less than 4^4, 20 times 13 more
@pytest.mark.parametrize(("count", "alone"), [(12, True), (13, False)])
def test_contexts_go_alone_where_few_would_be_asked_for(count, alone):
    draw = Sampler(Skewed(), TOKENIZER, context_length=4)
    list(map(list, draw.samples(RNG(5), count)))
    assert (set(map(len, draw.model.batches)) == {1}) is alone


def test_batches_that_there_is_no_room_for_are_forgotten_whole(monkeypatch):
    monkeypatch.setattr(sampling, "CACHE_SIZE", 16)  # of four contexts
    draw = Sampler(Skewed(), TOKENIZER, context_length=2, choice=Choice(top_k=3))
    many = [list(tokens) for tokens in draw.samples(RNG(5), 50)]
    assert len(draw.model.batches) > 4 == max(map(len, draw.model.batches))
    apart = RNG(5)
    assert many == [list(draw.sample(apart)) for _ in range(50)]


def test_no_samples_and_one():
    draw = Sampler(Skewed(), TOKENIZER, context_length=2)
    assert list(draw.samples(RNG(5), 0)) == []
    assert [list(tokens) for tokens in draw.samples(RNG(5), 1)] == [list(draw.sample(RNG(5)))]


def test_the_next_samples_are_drawn_from_the_model_as_it_is_then():
    draw = Sampler(Skewed(), TOKENIZER, context_length=2)
    list(map(list, draw.samples(RNG(5), 3)))
    before = len(draw.model.contexts)
    list(map(list, draw.samples(RNG(5), 3)))
    assert len(draw.model.contexts) == 2 * before
