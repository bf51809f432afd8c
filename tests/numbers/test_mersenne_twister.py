"""The Mersenne Twister, held against Python's own."""

import random
from fractions import Fraction

import pytest

from nnz.numbers.mersenne_twister import MersenneTwister

SEEDS = [0, 1, 42, 1337, -42, 2**31, 2**32 - 1, 2**32, 2**64 + 5, 2**20000 - 3]  # of as many as 625 words
FEW = 2_000  # draws: more than three states
MANY = 10**6
DOCUMENTS = 32_033  # as many as microgpt shuffles


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed:x}"[:20])
def test_each_seed_gives_the_draws_of_python(seed: int) -> None:
    ours, python = MersenneTwister(seed), random.Random(seed)
    assert [ours.u32() for _ in range(FEW)] == [python.getrandbits(32) for _ in range(FEW)]
    assert ours.getstate() == python.getstate()


def test_draws_of_every_kind_in_turn_are_those_of_python() -> None:
    ours, python = MersenneTwister(42), random.Random(42)
    for n in range(1, 300):
        assert ours.random() == python.random()
        assert ours.gauss(3.0, 0.08) == python.gauss(3.0, 0.08)
        assert ours.below(n) == python.randrange(n)
        weights = [1 / (i + 1) for i in range(n)]
        assert ours.choices(range(n), weights, 3) == python.choices(range(n), weights, k=3)
        mine, theirs = list(range(n)), list(range(n))
        ours.shuffle(mine)
        python.shuffle(theirs)
        assert mine == theirs
    assert ours.getstate() == python.getstate()


def test_a_shuffle_of_the_names_is_that_of_python() -> None:
    ours, python = list(range(DOCUMENTS)), list(range(DOCUMENTS))
    MersenneTwister(42).shuffle(ours)
    random.Random(42).shuffle(python)
    assert ours == python


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["random", "gauss", "below", "choices"])
def test_a_million_draws_are_those_of_python(kind: str) -> None:
    ours, python = MersenneTwister(42), random.Random(42)
    if kind == "choices":
        weights = [0.5, 1.0, 0.0, 2.5, 1e-9, 1.25]
        assert ours.choices("abcdef", weights, MANY) == python.choices("abcdef", weights, k=MANY)
    elif kind == "below":
        assert all(ours.below(n) == python.randrange(n) for n in range(1, MANY + 1))
    else:
        mine, theirs = getattr(ours, kind), getattr(python, kind)
        assert all(mine() == theirs() for _ in range(MANY))
    assert ours.getstate() == python.getstate()


@pytest.mark.slow
def test_a_shuffle_of_a_million_is_that_of_python() -> None:
    ours, python = list(range(MANY)), list(range(MANY))
    MersenneTwister(42).shuffle(ours)
    random.Random(42).shuffle(python)
    assert ours == python


def test_a_state_goes_from_python_to_ours_and_back() -> None:
    python, ours = random.Random(5), MersenneTwister(1)
    python.gauss()  # leaves a spare
    ours.setstate(python.getstate())
    assert [ours.gauss() for _ in range(FEW)] == [python.gauss() for _ in range(FEW)]
    python.setstate(ours.getstate())
    assert ours.random() == python.random()


@pytest.mark.parametrize("seed", [True, 1.0, "42", None, Fraction(3)])
def test_a_seed_that_is_not_an_int_is_refused(seed: object) -> None:
    with pytest.raises(TypeError, match="it must be an int"):
        MersenneTwister(seed)


@pytest.mark.parametrize("n", [0, -1, 2**32])
def test_a_limit_out_of_range_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="it must be from 1 to"):
        MersenneTwister(1).below(n)


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [-1.0, 0.5], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_weights_that_are_no_distribution_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="it must be"):
        MersenneTwister(1).choices("ab", weights)


def test_no_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="it must be a positive number"):
        MersenneTwister(1).choices("", [])


def test_a_state_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of getstate"):
        MersenneTwister(1).setstate((3, (1, 2, 3), None))
