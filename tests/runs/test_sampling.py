from itertools import islice

import numpy as np
import pytest

from nnz import RNG
from nnz.runs.choice import Choice, first_above
from nnz.runs.sampling import Sampler, until
from nnz.text.tokenizers import CharTokenizer

TOKENIZER = CharTokenizer("\nabc")  # 0 is the delimiter


class Scripted:
    """A model that wants the tokens of a script, one a call, and keeps the contexts it was shown."""

    def __init__(self, script):
        self.script, self.contexts = script, []

    def __call__(self, inputs, targets=None):
        token = self.script[len(self.contexts) % len(self.script)]
        self.contexts.append(inputs[0].tolist())
        logits = np.zeros((1, 4), dtype=np.float32)
        logits[0, token] = 60.0
        return logits, None


def sampler(script, **how):
    return Sampler(Scripted(script), TOKENIZER, context_length=3, choice=Choice(**how))


class Even:
    """A model that finds all tokens alike: what comes is up to the uniforms."""

    def __call__(self, inputs, targets=None):
        return np.zeros((len(inputs), 4)), None


class Wanted:
    """Stands for an RNG whose uniforms make an even model say the tokens of a script, and the last one ever after."""

    def __init__(self, script):
        self.script, self.drawn = script, 0

    def uniform(self):
        self.drawn += 1
        return (self.script[min(self.drawn, len(self.script)) - 1] + 0.5) / 4


def choose(logits, uniform, **how):
    return Choice(**how).token(logits, uniform)


def probabilities(*values):
    return np.log(np.array(values, dtype=np.float64))


@pytest.mark.parametrize(("uniform", "token"), [(0.0, 0), (0.24, 0), (0.26, 1), (0.74, 1), (0.76, 2), (1 - 2**-24, 2)])
def test_the_first_token_whose_running_sum_exceeds_the_uniform_is_taken(uniform, token):
    assert choose(probabilities(0.25, 0.5, 0.25), uniform) == token


def test_a_running_sum_that_only_equals_the_uniform_is_passed_over():
    assert choose(np.zeros(4), 0.25) == 1
    assert choose(np.zeros(4, dtype=np.float32), 0.5) == 2


def test_the_last_token_is_taken_where_no_running_sum_exceeds_the_uniform():
    assert choose(np.zeros(3), 1.0) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_softmax_keeps_the_dtype_of_the_logits(dtype):
    logits = np.arange(5, dtype=dtype)
    e = np.exp((logits - logits.max()) / logits.dtype.type(0.7))
    sums = Choice(temperature=0.7).cumulative(logits)
    assert sums.dtype == dtype
    assert np.array_equal(sums, np.cumsum(e / e.sum()))


def test_large_logits_do_not_overflow():
    assert choose(np.array([1000.0, 0.0, 1000.0]), 0.75) == 2


def test_frequencies_follow_the_softmax_within_five_standard_deviations():
    p = np.array([0.1, 0.2, 0.3, 0.4])
    drawn = np.bincount([choose(np.log(p), u) for u in RNG(7).uniform(size=20_000)], minlength=4) / 20_000
    assert (np.abs(drawn - p) < 5 * np.sqrt(p * (1 - p) / 20_000)).all()


def test_temperature_zero_takes_the_first_of_the_largest():
    assert choose(np.array([1.0, 3.0, 3.0]), 0.999, temperature=0) == 1
    assert choose(np.array([1.0, 3.0, 3.0], dtype=np.float32), 0.999, temperature=1e-60) == 1


def test_a_lower_temperature_makes_the_likely_likelier():
    logits = probabilities(0.4, 0.6)
    assert choose(logits, 0.35, temperature=1.0) == 0
    assert choose(logits, 0.35, temperature=0.5) == 1  # 0.16 : 0.36
    assert choose(logits, 0.45, temperature=2.0) == 1
    assert choose(logits, 0.44, temperature=2.0) == 0  # sqrt: 0.4495


def test_top_k_draws_from_the_k_largest_only():
    logits = probabilities(0.1, 0.4, 0.2, 0.3)
    assert {choose(logits, u, top_k=2) for u in np.linspace(0, 0.999, 50)} == {1, 3}
    assert {choose(logits, u, top_k=0) for u in np.linspace(0, 0.999, 50)} == {0, 1, 2, 3}
    assert {choose(logits, u, top_k=9) for u in np.linspace(0, 0.999, 50)} == {0, 1, 2, 3}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_refused(bad):
    with pytest.raises(FloatingPointError, match="not finite"):
        choose(np.array([0.0, bad]), 0.5)


def test_the_model_sees_delimiters_then_the_prompt_then_what_it_said():
    draw = sampler([1, 2, 0])
    assert list(draw.sample(RNG(1), prompt="cb")) == [1, 2]
    assert draw.model.contexts == [[0, 3, 2], [3, 2, 1], [2, 1, 2]]


def test_a_prompt_longer_than_the_context_is_cut_to_its_end():
    draw = sampler([0])
    list(draw.sample(RNG(1), prompt="abcab"))
    assert draw.model.contexts == [[3, 1, 2]]


def test_exactly_n_tokens_are_drawn_delimiters_included():
    assert list(sampler([1, 0]).sample(RNG(1), tokens=5)) == [1, 0, 1, 0, 1]
    assert list(sampler([1, 0]).sample(RNG(1), tokens=0)) == []


def test_one_uniform_is_drawn_per_token_greedy_or_not():
    for temperature in (0.0, 1.0):
        rng, same = RNG(5), RNG(5)
        list(sampler([1, 2, 0], temperature=temperature).sample(rng))
        same.uniform(size=3)
        assert rng.state == same.state


def test_a_model_that_never_ends_is_cut_off():
    assert sum(1 for _ in sampler([1]).sample(RNG(1))) == TOKENIZER.longest_sample


def test_tokens_come_one_at_a_time():
    draw = sampler([1, 2])
    assert list(islice(draw.stream(RNG(1)), 2)) == [1, 2]
    assert len(draw.model.contexts) == 2


def test_an_unknown_character_in_the_prompt_is_refused():
    with pytest.raises(ValueError, match="'x'"):
        list(sampler([0]).sample(RNG(1), prompt="x"))


def test_new_samples_leave_out_the_empty_the_known_and_the_repeated():
    script = [0, 1, 0, 2, 0, 1, 0, 3, 0]  # "", a, b, a, c
    even = Sampler(Even(), TOKENIZER, context_length=3)
    assert list(even.new_samples(Wanted(script), 2, known={"a"})) == ["b", "c"]
    assert list(even.new_samples(Wanted(script), 3, known=())) == ["a", "b", "c"]


def test_new_samples_give_up_after_a_hundred_draws_for_each():
    rng = Wanted([1, 0] * 300 + [2])
    assert list(Sampler(Even(), TOKENIZER, context_length=3).new_samples(rng, 3, known={"a"})) == []
    assert rng.drawn == 2 * 300


def test_new_samples_draw_a_greedy_model_once():
    draw = sampler([1, 0], temperature=0.0)
    assert list(draw.new_samples(RNG(1), 3, known=())) == ["a"]
    assert len(draw.model.contexts) == 2


def test_rows_of_logits_give_the_sums_that_each_gives_alone():
    logits = RNG(3).normal((27, 27), "float32")
    for how in ({}, {"temperature": 0.0}, {"temperature": 0.7}, {"top_k": 5}, {"top_p": 0.6}):
        rows, choice = Choice(**how).cumulative(logits), Choice(**how)
        assert np.array_equal(rows, [choice.cumulative(row) for row in logits])


def test_top_k_keeps_k_tokens_whatever_k_is():
    logits = np.random.default_rng(1).permutation(200) / 100
    for k in range(1, 203):
        sums = Choice(top_k=k).cumulative(logits)
        assert np.count_nonzero(np.diff(sums, prepend=0.0)) == min(k, 200)


@pytest.mark.parametrize("temperature", np.logspace(-3, 9, 49))
def test_every_temperature_divides_the_logits(temperature):
    logits = np.random.default_rng(2).normal(size=30)
    weights = np.exp((logits - logits.max()) / temperature)
    sums = Choice(temperature).cumulative(logits)
    np.testing.assert_allclose(sums, np.cumsum(weights / weights.sum()))


@pytest.mark.parametrize("how", [{}, {"temperature": 0.0}, {"temperature": 1e300}, {"top_k": 2}, {"top_p": 0.5}])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_banned_token_is_never_drawn(how, dtype):
    logits, choice = np.array([5, 1, 9, 0], dtype), Choice(**how, banned=(2, 3))
    uniforms = (0.0, 0.5, 1 - 2.0**-24)
    assert {choice.token(logits, u) for u in uniforms} <= {0, 1}
    assert np.array_equal(choice.cumulative(np.stack([logits, logits])), [choice.cumulative(logits)] * 2)
    assert choice.certain_token(logits, 0.3, error=0.0) == choice.token(logits, 0.3)


def test_banning_is_drawing_as_if_the_token_had_no_probability():
    left = Choice().cumulative(probabilities(0.2, 0.6, 0.2)[[0, 2]])
    assert Choice(banned=(1,)).cumulative(probabilities(0.2, 0.6, 0.2)).tolist() == [left[0], left[0], left[1]]
    with pytest.raises(ValueError, match="every token of the vocabulary is banned"):
        choose(probabilities(0.5, 0.5), 0.0, banned=(0, 1))


def test_a_uniform_above_a_rounded_sum_takes_the_last_token_that_is_kept():
    assert first_above([0.25, 1 - 2**-10, 1 - 2**-10, 1 - 2**-10], 1 - 2**-24) == 1


@pytest.mark.parametrize(
    ("stops", "text"),
    [
        ((), "a banana"),
        (("nan",), "a ba"),
        (("an",), "a b"),
        (("x", "na"), "a ba"),
        (("ana", "b"), "a "),
        (("a",), ""),
        (("nab",), "a banana"),
    ],
)
def test_a_text_ends_before_the_first_stop_however_it_is_cut(stops, text):
    for pieces in ("a banana", ["a ba", "na", "na"], ["a banan", "a"]):
        assert "".join(until(pieces, stops)) == text
