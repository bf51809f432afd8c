"""The project's random numbers: xorshift64*, the same from Python, numpy and C."""

import math
import operator
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from numbers import Integral

import numpy as np

MULTIPLIER = 0x2545F4914F6CDD1D
MASK = 2**64 - 1
CHUNK = 2**15  # pairs of Box-Muller at a time, so that they stay in the cache
LANES = 2048  # streams of a large draw that step at once
BLOCK = 64  # steps of all lanes, drawn before they are transposed into place
MOST_DRAWS = 2**48  # at a time: no machine has memory for more
BITS = np.arange(64, dtype=np.uint64)

Size = int | Sequence[int] | None


class RNG:
    """One stream of draws; an array takes the same draws, in order, as that many scalar draws would.

    s ^= s >> 12; s ^= s << 25; s ^= s >> 27; u32 = (s * 0x2545F4914F6CDD1D mod 2^64) >> 32.
    Without a `size` a draw is an int or a float. Raises ValueError for a seed outside 1 .. 2^64 - 1 (0 is a fixed
    point), TypeError for one that is not an int. Vigna 2016, https://arxiv.org/abs/1402.6246
    """

    def __init__(self, seed: int) -> None:
        self.state = seed

    def __repr__(self) -> str:
        return f"RNG({self.state})"

    @property
    def state(self) -> int:
        """The 64 bits that determine all further draws; it can be set, and is checked like the seed."""
        return self._state

    @state.setter
    def state(self, value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"seed is {value!r}: it must be an int from 1 to 2**64 - 1")
        if not 1 <= value <= MASK:
            shown = value if -MASK <= value <= MASK**2 else "an integer of many digits"
            raise ValueError(f"seed is {shown}: it must be from 1 to 2**64 - 1")
        self._state = int(value)

    def u32(self, size: Size = None) -> int | np.ndarray:
        """Whole numbers from 0 to 2^32 - 1 (uint32)."""
        return self._next() if size is None else self._draw(_shape(size))

    def uniform(self, a: float = 0.0, b: float = 1.0, size: Size = None, dtype: str = "float64") -> float | np.ndarray:
        """u * (b - a) + a with u = (u32 >> 8) / 2^24 in [0, 1); in float64, unfused, then rounded to `dtype`."""
        low, width = _float("a", a), _float("b", b) - _float("a", a)
        if size is None and dtype == "float64":
            return (self._next() >> 8) / 2**24 * width + low
        cast = _float_type(dtype)
        if size is None:
            return float(cast(self.uniform(a, b)))
        u = _unit(self._draw(_shape(size)))
        u *= width
        u += low
        return u.astype(cast, copy=False)

    def normal(self, size: Size = None, dtype: str = "float64") -> float | np.ndarray:
        """N(0, 1) by Box-Muller: two uniforms give r cos(2 pi u2), then r sin(2 pi u2), with r = sqrt(-2 ln u1).

        A u1 of 0 counts as 2^-25. An odd count draws a whole last pair and drops its sine. In float64, then rounded.
        """
        cast = _float_type(dtype)
        if size is None:
            return float(self.normal(1, dtype)[0])
        shape = _shape(size)
        count = math.prod(shape)
        draws = self._draw(((count + 1) // 2, 2))  # (pairs, 2)
        values = np.empty(draws.shape, cast)
        for first in range(0, len(draws), CHUNK):
            values[first : first + CHUNK] = _box_muller(_unit(draws[first : first + CHUNK]))
        return values.reshape(-1)[:count].reshape(shape)

    def permutation(self, n: int) -> np.ndarray:
        """0 .. n-1 shuffled (int64), by Fisher-Yates from the top.

        p = 0 .. n-1; for i = n-1 down to 1: j = (int)(uniform() * (i + 1)); swap p[i], p[j]. Draws n - 1 values.
        """
        (n,) = _shape([n])
        order = list(range(n))
        draws = (self._draw((max(n - 1, 0),)) >> 8).tolist()
        for i, u in zip(range(n - 1, 0, -1), draws, strict=True):
            j = u * (i + 1) >> 24  # the same as the float expression: u * (i + 1) < 2^53 is exact
            order[i], order[j] = order[j], order[i]
        return np.array(order, np.int64)

    def _next(self) -> int:
        s = self._state
        s ^= s >> 12
        s ^= s << 25 & MASK
        s ^= s >> 27
        self._state = s
        return (s * MULTIPLIER & MASK) >> 32

    def _draw(self, shape: tuple[int, ...]) -> np.ndarray:
        count = math.prod(shape)
        out = np.empty(count, np.uint32)
        steps = count // LANES if count >= 4 * LANES else 0  # below that the jump costs more than it saves
        if steps:
            self._state = draw_lanes(self._state, out[: LANES * steps].reshape(LANES, steps))
        out[LANES * steps :] = [self._next() for _ in range(count - LANES * steps)]
        return out.reshape(shape)


def _unit(draws: np.ndarray) -> np.ndarray:
    return (draws >> 8) / 2.0**24


def _box_muller(u: np.ndarray) -> np.ndarray:
    """Uniforms (pairs, 2) -> normals (pairs, 2), the same to the bit as with Python's math and C's libm."""
    u1 = np.where(u[:, 0] == 0, 2.0**-25, u[:, 0])
    log = np.log(u1[::-1])[::-1]  # backwards numpy uses libm's log; its own (AVX-512) can be a last digit off
    radius, angle = np.sqrt(-2 * log), 2 * math.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _float(name: str, value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is too large: it must be a float") from None
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}: it must be a number") from None


def _shape(size: Size) -> tuple[int, ...]:
    try:
        shape = tuple(map(operator.index, size)) if isinstance(size, Sequence) else (operator.index(size),)
    except TypeError:
        raise TypeError(f"size is {size!r}: it must be an integer, or a sequence of integers") from None
    if any(n < 0 for n in shape):
        raise ValueError(f"size is {size}: it must not be negative")
    if max((*shape, math.prod(shape))) > MOST_DRAWS:
        raise MemoryError("no memory for more than 2**48 numbers at a time")
    return shape


@cache  # a scalar draw would spend most of its time here
def _float_type(dtype: str) -> type:
    with suppress(TypeError):
        if np.dtype(dtype) in (np.float32, np.float64):
            return np.dtype(dtype).type
    raise ValueError(f"dtype is {dtype!r}: it must be float32 or float64")


def draw_lanes(state: int, out: np.ndarray) -> int:
    """Fill `out` (LANES, steps), row by row, with the next draws after `state`; return the state after the last.

    The one sequence is split into lanes, and all lanes step at once. A step of xorshift is linear over GF(2), a
    64 x 64 bit matrix, and the powers of that matrix jump a state ahead by any number of draws.
    """
    steps = out.shape[1]
    s = _lane_starts(state, steps)
    for first in range(0, steps, BLOCK):
        block = np.empty((min(BLOCK, steps - first), LANES), np.uint32)
        for row in block:
            s = _step(s)
            row[:] = s * MULTIPLIER >> 32
        out[:, first : first + BLOCK] = block.T
    return int(s[-1])


def _lane_starts(state: int, steps: int) -> np.ndarray:
    """(LANES,) states, each `steps` draws after the one before."""
    jump, square = np.uint64(1) << BITS, _step(np.uint64(1) << BITS)  # a matrix is the images of the 64 bits
    while steps:
        jump = _apply(square, jump) if steps & 1 else jump
        square, steps = _apply(square, square), steps >> 1
    starts = np.array([state], np.uint64)
    while len(starts) < LANES:
        starts, jump = np.concatenate([starts, _apply(jump, starts)]), _apply(jump, jump)
    return starts


def _step(s: np.ndarray) -> np.ndarray:
    s = s ^ s >> 12
    s ^= s << 25
    return s ^ s >> 27


def _apply(matrix: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The exclusive or of the rows of `matrix` (64,) whose bit is set, for each of `states` (n,)."""
    return np.bitwise_xor.reduce((states[:, None] >> BITS & 1) * matrix, axis=1)
