"""Random numbers as ports draw them: several generators, and several ways to make normals of uniforms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, MutableSequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from ..numbers.mersenne_twister import MersenneTwister

MASK32, MASK64 = 2**32 - 1, 2**64 - 1
MAGIC = 4 * math.exp(-0.5) / math.sqrt(2)  # of Kinderman and Monahan
Uniforms = Callable[[], float]


class Generator(Protocol):
    """What the model asks for: uniforms in [0, 1)."""

    def random(self) -> float: ...


class Uniform:
    """A generator by its step: state -> (next state, uniform)."""

    def __init__(self, step: Callable[[int], tuple[int, float]], seed: int) -> None:
        self._step, self._state = step, seed or 1  # 0 is a fixed point of some

    def random(self) -> float:
        self._state, uniform = self._step(self._state)
        return uniform


def mulberry32(s: int) -> tuple[int, float]:
    """The usual one of JavaScript: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c"""
    s = s + 0x6D2B79F5 & MASK32
    t = (s ^ s >> 15) * (s | 1) & MASK32
    t ^= t + (t ^ t >> 7) * (t | 61) & MASK32
    return s, (t ^ t >> 14) / 2**32


def xorshift32(s: int) -> tuple[int, float]:
    """Marsaglia 2003, https://doi.org/10.18637/jss.v008.i14"""
    s ^= s << 13 & MASK32
    s ^= s >> 17
    s ^= s << 5 & MASK32
    return s, s / 2**32


def xorshift64star(s: int) -> tuple[int, float]:
    """That of llama2.c and of nnz.RNG: 24 bits of each draw."""
    s ^= s >> 12
    s ^= s << 25 & MASK64
    s ^= s >> 27
    return s, ((s * 0x2545F4914F6CDD1D & MASK64) >> 40) / 2**24


def splitmix64(s: int) -> tuple[int, float]:
    """53 bits of each draw. Steele, Lea and Flood 2014, https://doi.org/10.1145/2660193.2660195"""
    s = s + 0x9E3779B97F4A7C15 & MASK64
    z = (s ^ s >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK64
    return s, ((z ^ z >> 31) >> 11) / 2**53


def lcg(s: int) -> tuple[int, float]:
    """The linear congruential one of Numerical Recipes."""
    s = s * 1664525 + 1013904223 & MASK32
    return s, s / 2**32


def minstd(s: int) -> tuple[int, float]:
    """Park and Miller 1988, https://doi.org/10.1145/63039.63042"""
    s = s * 48271 % (2**31 - 1)
    return s, s / (2**31 - 1)


class Numpy:
    """numpy.random.seed(seed): `rand`, `randn`, which is the polar form of Box-Muller, and `shuffle`."""

    def __init__(self, seed: int) -> None:
        self._state: Any = np.random.RandomState(seed)

    def random(self) -> float:
        return self._state.random()

    def normal(self, size: int) -> np.ndarray:
        return self._state.standard_normal(size)

    def shuffle(self, values: MutableSequence[Any]) -> None:
        self._state.shuffle(values)


class NumpyNew(Numpy):
    """numpy.random.default_rng(seed): PCG64, and normals by the ziggurat."""

    def __init__(self, seed: int) -> None:
        self._state = np.random.default_rng(seed)


class Torch:
    """torch.manual_seed(seed): a Mersenne Twister seeded otherwise; normals of a matrix in float32."""

    def __init__(self, seed: int) -> None:
        words = [seed & MASK32]
        for i in range(1, 624):
            words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + i) & MASK32)
        self._twister = MersenneTwister(0)
        self._twister.setstate((3, (*words, 624), None))

    def random(self) -> float:
        """A uniform of 24 bits."""
        return (self._twister.u32() & 2**24 - 1) / 2**24

    def normal(self, size: int) -> np.ndarray:
        """Of each 16 uniforms the first 8 give the lengths and the others the angles; the size is a multiple of 16."""
        u = np.array([self.random() for _ in range(size)], np.float32).reshape(-1, 2, 8)
        radius, angle = np.sqrt(-2 * np.log(1 - u[:, 0])), np.float32(2 * math.pi) * u[:, 1]
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


GENERATORS: dict[str, Callable[[int], Generator]] = {
    "python": MersenneTwister,
    "numpy": Numpy,
    "numpy's default_rng": NumpyNew,
    "torch": Torch,
    **{f.__name__: partial(Uniform, f) for f in (mulberry32, xorshift32, xorshift64star, splitmix64, lcg, minstd)},
}


def shuffle(values: MutableSequence[Any], generator: Generator, how: str) -> None:
    """Shuffle in place: `python` as the generator itself does, if it can; else by floor(random() * (i + 1)) from the
    top, for `upward` from the front, for `none` not at all."""
    if how == "none":
        return
    if how == "python" and hasattr(generator, "shuffle"):
        generator.shuffle(values)
        return
    last, random = len(values) - 1, generator.random
    for i in range(1, last + 1) if how == "upward" else range(last, 0, -1):
        j = int(random() * (i + 1))
        values[i], values[j] = values[j], values[i]


def _gauss(random: Uniforms) -> Iterator[float]:
    """As Python's gauss: the first uniform is the angle's; the cosine, then the sine."""
    while True:
        angle, radius = random() * (2 * math.pi), math.sqrt(-2 * _log(1 - random()))
        yield math.cos(angle) * radius
        yield math.sin(angle) * radius


def _cosine_alone(random: Uniforms) -> Iterator[float]:
    """The same without the sine: two uniforms for each normal."""
    return itertools.islice(_gauss(random), 0, None, 2)


def _box_muller(random: Uniforms) -> Iterator[float]:
    """As books have it: the first uniform is the radius's, as it is; the cosine, then the sine."""
    while True:
        radius, angle = math.sqrt(-2 * _log(random())), 2 * math.pi * random()
        yield math.cos(angle) * radius
        yield math.sin(angle) * radius


def _box_muller_cosine(random: Uniforms) -> Iterator[float]:
    """As most ports have it: the cosine alone."""
    return itertools.islice(_box_muller(random), 0, None, 2)


def _polar(random: Uniforms) -> Iterator[float]:
    """Marsaglia's polar form, both of a pair."""
    while True:
        x, y = 2 * random() - 1, 2 * random() - 1
        if 0 < (square := x * x + y * y) < 1:
            factor = math.sqrt(-2 * math.log(square) / square)
            yield x * factor
            yield y * factor


def _normalvariate(random: Uniforms) -> Iterator[float]:
    """As Python's normalvariate. Kinderman and Monahan 1977, https://doi.org/10.1145/355744.355750"""
    while True:
        u, v = random(), 1 - random()
        z = MAGIC * (u - 0.5) / v
        if z * z / 4 <= -math.log(v):
            yield z


def _uniform(random: Uniforms) -> Iterator[float]:
    """None at all: uniform in [-1, 1)."""
    while True:
        yield 2 * random() - 1


def _sum_of_twelve(random: Uniforms) -> Iterator[float]:
    """The sum of twelve uniforms less 6 (Irwin and Hall)."""
    while True:
        yield sum(random() for _ in range(12)) - 6


def _log(u: float) -> float:
    return math.log(u) if u > 0 else -745.0  # a generator that gives 0 here ends most ports


NORMALS: dict[str, Callable[[Uniforms], Iterator[float]]] = {
    "gauss": _gauss,
    "cosine alone": _cosine_alone,
    "box-muller": _box_muller,
    "box-muller's cosine": _box_muller_cosine,
    "polar": _polar,
    "normalvariate": _normalvariate,
    "uniform": _uniform,
    "twelve": _sum_of_twelve,
}


def normals(generator: Generator, how: str, size: int) -> np.ndarray:
    """The next `size` standard normals: the generator's own if it has its own and `how` is gauss."""
    if how == "gauss" and isinstance(generator, MersenneTwister):
        return np.array([generator.gauss() for _ in range(size)])
    if how == "gauss" and hasattr(generator, "normal"):
        return np.asarray(generator.normal(size), np.float64)
    return np.fromiter(NORMALS[how](generator.random), np.float64, size)
