"""Mutants of the RNG and of the initial weights."""

from .mutant import mutant

FIRST = "numbers/test_rng.py::test_the_first_draws_are_those_worked_out_by_hand"
NORMALS = "numbers/test_rng.py::test_normals_are_box_muller_to_the_bit_whether_many_or_few"

MUTANTS = (
    mutant(
        "rng_wrong_constant",
        "the multiplier's last digit is B, not D",
        FIRST,
        common=("numbers/rng.py", "MULTIPLIER = 0x2545F4914F6CDD1D", "MULTIPLIER = 0x2545F4914F6CDD1B"),
    ),
    mutant(
        "rng_wrong_shift",
        "the last shift is by 28, not 27",
        FIRST,
        common=("numbers/rng.py", "s ^= s >> 27\n", "s ^= s >> 28\n"),
    ),
    mutant(
        "rng_low_bits",
        "the output is the lower half of the product",
        FIRST,
        common=("numbers/rng.py", "(s * MULTIPLIER & MASK) >> 32", "s * MULTIPLIER & 0xFFFFFFFF"),
    ),
    mutant(
        "rng_wrong_shift_in_large_draws",
        "where numpy draws many at once, the second shift is by 24, not 25",
        "numbers/test_rng.py::test_an_array_of_u32_is_what_scalar_draws_give_and_leaves_the_same_state",
        common=("numbers/rng.py", "s ^= s << 25\n    return", "s ^= s << 24\n    return"),
    ),
    mutant(
        "uniform_reaches_1",
        "24 bits are divided by 2^24 - 1",
        "numbers/test_rng.py::test_an_array_of_uniforms_is_what_scalar_draws_give",
        common=("numbers/rng.py", "/ 2**24 * width", "/ (2**24 - 1) * width"),
    ),
    mutant(
        "uniform_rounded_before_the_interval",
        "a float32 uniform is stretched in float32",
        "numbers/test_rng.py::test_float32_is_the_float64_value_rounded",
        common=(
            "numbers/rng.py",
            "u = _unit(self._draw(_shape(size)))\n",
            "u = _unit(self._draw(_shape(size))).astype(cast)\n",
        ),
    ),
    mutant(
        "normal_sine_first",
        "Box-Muller gives the sine before the cosine",
        NORMALS,
        common=(
            "numbers/rng.py",
            "[radius * np.cos(angle), radius * np.sin(angle)]",
            "[radius * np.sin(angle), radius * np.cos(angle)]",
        ),
    ),
    mutant(
        "normal_angle_from_u1",
        "the two uniforms of a pair change places",
        NORMALS,
        common=("numbers/rng.py", "2 * math.pi * u[:, 1]", "2 * math.pi * u[:, 0]"),
    ),
    mutant(
        "normal_of_zero",
        "a u1 of 0 goes into the logarithm",
        "numbers/test_rng.py::test_a_first_uniform_of_zero_counts_as_half_the_smallest_step",
        common=("numbers/rng.py", "np.where(u[:, 0] == 0, 2.0**-25, u[:, 0])", "u[:, 0]"),
    ),
    mutant(
        "normal_keeps_the_odd_sine",
        "an odd count draws one uniform less",
        NORMALS,
        common=(
            "numbers/rng.py",
            "return values.reshape(-1)[:count]",
            "self._state ^= count & 1; return values.reshape(-1)[:count]",
        ),
    ),
    mutant(
        "permutation_never_stays",
        "the swap partner of the i-th is never itself (Sattolo)",
        "numbers/test_rng.py::test_a_permutation_is_fisher_yates_from_the_top",
        common=("numbers/rng.py", "j = u * (i + 1) >> 24", "j = u * i >> 24"),
    ),
    mutant(
        "rng_state_lost_on_resume",
        "a state that is set again is ignored",
        "numbers/test_rng.py::test_setting_the_state_takes_up_the_sequence_there",
        common=("numbers/rng.py", "self._state = int(value)", "self._state = getattr(self, '_state', int(value))"),
    ),
)
