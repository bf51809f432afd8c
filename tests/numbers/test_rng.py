"""The RNG, held against a second one in plain Python that shares no code with it."""

import math

import numpy as np
import pytest
from support.honest_rng import reference, reference_normals, state_before, zero_state

from nnz import RNG
from nnz.numbers.rng import LANES

SIZES = [0, 1, 2, 3, 7, 100, 4 * LANES - 1, 4 * LANES, 4 * LANES + 1, 5 * LANES + 3, 70 * LANES + 11, 200_001]
SEEDS = [1, 1337, 2**63, 2**64 - 1]


def test_the_first_draws_are_those_worked_out_by_hand() -> None:
    # of seed 1: 1 ^ 1 << 25 is 0x2000001, which the other two shifts leave as it is
    assert RNG(1).u32() == (0x2000001 * 0x2545F4914F6CDD1D % 2**64) >> 32 == 0x47E4CE4B
    assert RNG(1337).u32(3).tolist() == reference(1337, 3)[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", SIZES)
def test_an_array_of_u32_is_what_scalar_draws_give_and_leaves_the_same_state(seed: int, size: int) -> None:
    rng = RNG(seed)
    draws, state = reference(seed, size)
    got = rng.u32(size)
    assert got.dtype == np.uint32
    assert got.tolist() == draws
    assert rng.state == state


def test_scalar_draws_follow_the_definition() -> None:
    rng = RNG(99)
    draws, state = reference(99, 50)
    assert [rng.u32() for _ in range(50)] == draws
    assert rng.state == state


def test_large_and_small_draws_in_turn_are_one_sequence() -> None:
    rng = RNG(5)
    got = [rng.u32(), *rng.u32(50_000), rng.u32(), *rng.u32((10, 3)).ravel(), *rng.u32(9_001)]
    assert got == reference(5, 1 + 50_000 + 1 + 30 + 9_001)[0]


@pytest.mark.parametrize("size", SIZES)
def test_an_array_of_uniforms_is_what_scalar_draws_give(size: int) -> None:
    many, one = RNG(1337), RNG(1337)
    assert many.uniform(-0.3, 1.7, size).tolist() == [one.uniform(-0.3, 1.7) for _ in range(size)]
    assert many.state == one.state


def test_a_uniform_is_24_bits_stretched_to_the_interval() -> None:
    draws = [draw // 256 / 2**24 for draw in reference(1337, 1000)[0]]
    assert RNG(1337).uniform(size=1000).tolist() == draws
    assert RNG(1337).uniform(2, 5, size=1000).tolist() == [u * (5.0 - 2.0) + 2.0 for u in draws]


@pytest.mark.parametrize("size", SIZES)
def test_normals_are_box_muller_to_the_bit_whether_many_or_few(size: int) -> None:
    rng = RNG(1337)
    values, state = reference_normals(1337, size)
    assert rng.normal(size).tolist() == values
    assert rng.state == state


def test_a_scalar_normal_is_the_cosine_of_a_pair_and_draws_two() -> None:
    for seed in range(1, 2000):  # many, as a wrong last digit comes up once in three hundred
        rng = RNG(seed)
        values, state = reference_normals(seed, 1)
        assert rng.normal() == values[0]
        assert rng.state == state


def test_a_first_uniform_of_zero_counts_as_half_the_smallest_step() -> None:
    seed = state_before(zero_state())
    assert RNG(seed).uniform() == 0.0
    value = RNG(seed).normal()
    assert value == reference_normals(seed, 1)[0][0]
    assert math.isfinite(value)


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_float32_is_the_float64_value_rounded(draw: str) -> None:
    single = getattr(RNG(3), draw)(size=(11, 1001), dtype="float32")
    double = getattr(RNG(3), draw)(size=(11, 1001))
    assert single.dtype == np.float32
    assert single.shape == (11, 1001)
    assert np.array_equal(single, double.astype(np.float32))
    shifted = RNG(3).uniform(-0.3, 1.7, 1001, "float32")
    assert np.array_equal(shifted, RNG(3).uniform(-0.3, 1.7, 1001).astype(np.float32))
    scalar = getattr(RNG(3), draw)(dtype="float32")
    assert isinstance(scalar, float)
    assert scalar == single[0, 0]


def test_a_permutation_is_fisher_yates_from_the_top() -> None:
    for n in (0, 1, 2, 27, 10_000):
        order, (draws, state) = list(range(n)), reference(7, max(n - 1, 0))
        for i, draw in zip(range(n - 1, 0, -1), draws, strict=True):
            j = int(draw // 256 / 2**24 * (i + 1))
            order[i], order[j] = order[j], order[i]
        rng = RNG(7)
        assert rng.permutation(n).tolist() == order
        assert rng.state == state


def test_setting_the_state_takes_up_the_sequence_there() -> None:
    rng = RNG(1)
    rng.u32(10)
    saved = rng.state
    tail = rng.normal(9).tolist()
    again = RNG(2)
    again.state = saved
    assert again.normal(9).tolist() == tail


@pytest.mark.parametrize("seed", [0, -1, 2**64, np.int64(-5)])
def test_a_seed_out_of_range_is_refused_by_value_and_range(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"{seed}.*1 to 2\*\*64 - 1"):
        RNG(seed)


@pytest.mark.parametrize("seed", [True, 1.0, "1337", None, np.float64(3)])
def test_a_seed_that_is_no_int_is_refused(seed: object) -> None:
    with pytest.raises(TypeError, match="must be an int"):
        RNG(seed)


def test_numpy_integers_are_seeds() -> None:
    assert RNG(np.uint64(2**64 - 1)).u32(5).tolist() == RNG(2**64 - 1).u32(5).tolist()


def test_a_negative_size_and_an_integer_dtype_are_refused() -> None:
    with pytest.raises(ValueError, match="-3"):
        RNG(1).u32((2, -3))
    with pytest.raises(ValueError, match="int32"):
        RNG(1).normal(3, dtype="int32")


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: RNG(10**5000), ValueError, "seed is an integer of many digits: it must be from 1 to 2**64 - 1"),
        (lambda: RNG(1).uniform(10**400), ValueError, "a is too large: it must be a float"),
        (lambda: RNG(1).uniform(0, "x", 3), TypeError, "b is 'x': it must be a number"),
        (lambda: RNG(1).u32(2.5), TypeError, "size is 2.5: it must be an integer, or a sequence of integers"),
        (lambda: RNG(1).normal((2**40, 2**40)), MemoryError, "no memory for more than 2**48 numbers at a time"),
        (lambda: RNG(1).normal((0, 2**70)), MemoryError, "no memory for more than 2**48 numbers at a time"),
        (lambda: RNG(1).normal(2, 5), ValueError, "dtype is 5: it must be float32 or float64"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(call, kind, text) -> None:
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == text
