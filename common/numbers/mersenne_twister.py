"""Python's own random numbers: the Mersenne Twister MT19937, and what `random` makes of its draws."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import MutableSequence, Sequence
from numbers import Integral
from typing import Any

import numpy as np

N, M = 624, 397  # words of the state, and which of them a new word is made of
UPPER, LOWER, MATRIX = np.uint32(0x80000000), np.uint32(0x7FFFFFFF), np.uint32(0x9908B0DF)
MASK = 2**32 - 1
VERSION = 3  # of the state, in Python


class MersenneTwister:
    """One stream of draws, the same to the bit as that of `random.Random(seed)` of Python 3.

    The seed is an int; its sign does not matter, as in Python. Raises TypeError for any other.
    Matsumoto and Nishimura 1998, https://doi.org/10.1145/272991.272995
    """

    def __init__(self, seed: int) -> None:
        if isinstance(seed, bool) or not isinstance(seed, Integral):
            raise TypeError(f"seed is {seed!r}: it must be an int")
        self._words = _seeded(abs(int(seed)))  # (624,) uint32
        self._outputs: list[int] = []
        self._place, self._spare = N, None

    def getstate(self) -> tuple[int, tuple[int, ...], float | None]:
        """The state as `random.getstate` gives it: 3, the 624 words and the place among them, the spare normal."""
        return VERSION, (*self._words.tolist(), self._place), self._spare

    def setstate(self, state: tuple[int, tuple[int, ...], float | None]) -> None:
        """Go on from such a state, also one of `random.getstate`. Raises ValueError for any other tuple."""
        version, words, spare = state
        if version != VERSION or len(words) != N + 1 or not 0 <= words[N] <= N:
            raise ValueError("the state is not one of getstate: it must be 3, 624 words and a place, a float or None")
        self._words, self._place, self._spare = np.array(words[:N], np.uint32), words[N], spare
        self._outputs = _tempered(self._words)

    def u32(self) -> int:
        """A whole number from 0 to 2^32 - 1."""
        if self._place == N:
            self._words = _twisted(self._words)
            self._outputs, self._place = _tempered(self._words), 0
        self._place += 1
        return self._outputs[self._place - 1]

    def random(self) -> float:
        """A uniform in [0, 1) of 53 bits: (2^26 a + b) / 2^53, a the upper 27 bits of one draw, b 26 of the next."""
        a, b = self.u32() >> 5, self.u32() >> 6
        return (a * 2**26 + b) / 2**53

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """N(mu, sigma^2) by Box-Muller: cos(2 pi u1) r, the next time sin(2 pi u1) r, with r = sqrt(-2 ln(1 - u2))."""
        z, self._spare = self._spare, None
        if z is None:
            angle = self.random() * (2 * math.pi)
            radius = math.sqrt(-2 * math.log(1 - self.random()))
            z, self._spare = math.cos(angle) * radius, math.sin(angle) * radius
        return mu + z * sigma

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1: as many upper bits of a draw as n has, drawn again until it is below n.

        Raises ValueError for an n outside 1 .. 2^32 - 1.
        """
        if not 1 <= n <= MASK:
            raise ValueError(f"n is {n}: it must be from 1 to 2**32 - 1")
        shift = 32 - n.bit_length()
        while (draw := self.u32() >> shift) >= n:
            pass
        return draw

    def shuffle(self, values: MutableSequence[Any]) -> None:
        """Shuffle a list in place, by Fisher-Yates from the top: for i = n-1 down to 1, swap i and below(i + 1)."""
        for i in range(len(values) - 1, 0, -1):
            j = self.below(i + 1)
            values[i], values[j] = values[j], values[i]

    def choices(self, values: Sequence[Any], weights: Sequence[float], k: int = 1) -> list[Any]:
        """k of the values: each is the first whose running sum of weights is above random() times their total.

        Raises ValueError unless there are as many weights as values, and their total is positive and finite.
        """
        sums = list(itertools.accumulate(weights))
        if len(sums) != len(values):
            raise ValueError(f"there are {len(sums)} weights for {len(values)} values: it must be one for each")
        total = sums[-1] + 0.0 if sums else 0.0
        if not 0 < total < math.inf:
            raise ValueError(f"the weights add up to {total}: it must be a positive number")
        return [values[bisect.bisect(sums, self.random() * total, 0, len(sums) - 1)] for _ in range(k)]


def _seeded(seed: int) -> np.ndarray:
    """The state that `init_by_array` makes of the seed's 32-bit words, the lowest first."""
    words = [19650218]
    for i in range(1, N):
        words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + i) & MASK)
    key = [seed >> 32 * j & MASK for j in range(max(1, -(-seed.bit_length() // 32)))]
    i = 1
    for k in range(max(N, len(key))):
        j = k % len(key)
        words[i] = ((words[i] ^ (words[i - 1] ^ words[i - 1] >> 30) * 1664525) + key[j] + j) & MASK
        i = _next(words, i)
    for _ in range(N - 1):
        words[i] = ((words[i] ^ (words[i - 1] ^ words[i - 1] >> 30) * 1566083941) - i) & MASK
        i = _next(words, i)
    words[0] = 0x80000000  # so that the state is not all zeros
    return np.array(words, np.uint32)


def _next(words: list[int], i: int) -> int:
    """The place after i of 1 .. 623; past the last the first word follows it, as the word before place 1."""
    if i < N - 1:
        return i + 1
    words[0] = words[N - 1]
    return 1


def _twisted(old: np.ndarray) -> np.ndarray:
    """The next state: word k is made of words k, k + 1 and k + 397 of the sequence, at most 227 at a time."""
    words = np.concatenate([old, np.empty_like(old)])  # the sequence: word k + 624 follows from those before it
    for first in range(0, N, N - M):
        k = np.arange(first, min(first + N - M, N))
        y = words[k] & UPPER | words[k + 1] & LOWER
        words[k + N] = words[k + M] ^ y >> 1 ^ (y & 1) * MATRIX
    return words[N:]


def _tempered(words: np.ndarray) -> list[int]:
    y = words ^ words >> 11
    y = y ^ y << 7 & np.uint32(0x9D2C5680)
    y = y ^ y << 15 & np.uint32(0xEFC60000)
    return (y ^ y >> 18).tolist()
