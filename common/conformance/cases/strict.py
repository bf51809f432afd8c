"""Sums that are hard to round: half way between two float32s, slightly off it, or with almost everything cancelling."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
f32 = np.float32

TERMS = 12  # of a sum; the terms that it does not need are zero, or cancel each other
LOWEST, HIGHEST = -149, 127  # the exponents of float32s, subnormals among them
LEAST, LARGEST = 2.0**-149, float(np.finfo(f32).max)
SQUARES = 2.0**60  # smaller numbers have finite squares, and so have their sums
OFFSETS = (2.0**-60, 2.0**-40, 2.0**-28)  # from half way, as a share of the sum


def random_float32s(rng: np.random.Generator, shape: tuple[int, ...], low: int = LOWEST, high: int = HIGHEST) -> Array:
    """Any sign, any bits, and each power of two from 2^low to 2^high as often as the others."""
    sizes = np.ldexp(rng.uniform(1, 2, shape), rng.integers(low, high, shape))
    return (rng.choice([-1.0, 1.0], shape) * sizes).astype(f32)


def hard_sums(rng: np.random.Generator) -> Array:
    """(sums, TERMS): the terms of each sum in any order."""
    rows = [terms for exponent in (-100, -23, int(rng.integers(-80, 80))) for terms in _almost_half_way(rng, exponent)]
    large, *others = random_float32s(rng, (5,)).tolist()
    rows += [[large, LEAST, -large], [large, others[0], -large], [large, -large]]  # the rest cancels
    rows += [[x] for x in others] + [[-0.0], [-0.0, -0.0]]  # a single term; the only zero is +0
    rows += [[3 * LEAST, 5 * LEAST, -7 * LEAST], [2.0**-126, -LEAST], [-(2.0**-126), -LEAST]]  # subnormals
    rows += [[LARGEST, 2.0**103], [LARGEST, 2.0**103, -LEAST], [-LARGEST, -(2.0**103)]]  # infinity starts half way
    return np.stack([_filled(rng, row, TERMS) for row in rows])


def squarable_sums(rng: np.random.Generator) -> Array:
    """Those of the sums above whose squares are finite, and so have finite sums."""
    sums = hard_sums(rng)
    return sums[np.abs(sums).max(axis=1) < SQUARES]


def hard_products(rng: np.random.Generator) -> tuple[Array, Array]:
    """a and b (sums, TERMS), so that the sum of a[i,k] b[i,k] over k is as hard to round: the sums above, and more."""
    sums = hard_sums(rng)
    scales = np.ldexp(rng.choice([-1.0, 1.0], sums.shape), rng.integers(-10, 10, sums.shape))
    left = sums * scales
    with np.errstate(over="ignore"):
        kept = left.astype(f32) == left  # the others would be rounded
    rows_a, rows_b = list(np.where(kept, left, sums)), list(np.where(kept, 1 / scales, 1.0))
    for odd in rng.integers(2**11, 2**12, (6, 2)) | 1:  # 25 bits, of which the last is 1: half way
        for offset in (0.0, *OFFSETS, *(-far for far in OFFSETS)):
            whole = float(odd[0]) * float(odd[1] + 2**12)
            rows_a.append(_padded([odd[0], offset]))
            rows_b.append(_padded([odd[1] + 2**12, whole]))
    tiny = 2.0**-75
    for first, second in ((tiny, tiny), (3 * tiny, tiny), (-tiny, tiny), (1e-30, -1e-30)):  # 2^-150 is half the least
        rows_a.append(_padded([first]))
        rows_b.append(_padded([second]))
    return np.stack(rows_a).astype(f32), np.stack(rows_b).astype(f32)


def _almost_half_way(rng: np.random.Generator, exponent: int) -> list[list[float]]:
    """The terms of a midpoint of two float32s whose last bit is worth 2^exponent; and of sums slightly off it."""
    rows = []
    for offset in (0.0, *OFFSETS, *(-far for far in OFFSETS)):
        sign, bits = rng.choice([-1.0, 1.0]), int(rng.integers(2**23, 2**24))
        size = float(np.ldexp(bits, exponent))
        rows.append([sign * term for term in (size, float(np.ldexp(0.5, exponent)), offset * size)])
    return rows


def _padded(terms: list[float]) -> Array:
    return np.array([*terms, *[0.0] * (TERMS - len(terms))], np.float64)


def _filled(rng: np.random.Generator, terms: list[float], n: int) -> Array:
    """The terms among zeros, or among others that cancel, in any order."""
    filler = random_float32s(rng, ((n - len(terms)) // 2,), -60, 60) * rng.choice([0.0, 1.0])
    row = np.zeros(n, f32)
    row[: len(terms)] = terms
    row[len(terms) : len(terms) + 2 * len(filler)] = np.concatenate([filler, -filler])
    return rng.permutation(row)
