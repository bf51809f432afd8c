"""Exact sums, and a table of hard cases, for results that float64 cannot round to the right float32.

The error of a float64 sum of float32 products has a known bound, in any order. If that leaves two float32s to choose
from, the products, each exact in float64, are summed exactly (Shewchuk 1997, Adaptive Precision Floating-Point
Arithmetic; math.fsum).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .hard_cases import EXP, LOG, TANH

UNIT = 2.0**-53  # the unit roundoff of float64
HARD = {"tanh": TANH, "exp": EXP, "log": LOG}  # by function: the bits of x -> the bits of the float32 nearest to f(x)


def sum_error(terms: Any) -> Any:
    """Return e: a float64 sum of this many numbers has an error of at most e times the sum of their absolute values.

    For products a b that is at most e |a| |b|, |.| the Euclidean length (Cauchy and Schwarz). Any order of adding gives
    (n - 1) u (Higham 2002, section 3.1); the rest is for the rounding of lengths and bound, for up to 2^31 terms.
    """
    return (terms + 4) * UNIT * 1.000001


def round_to_odd(terms: Sequence[float]) -> float:
    """Return the exact sum if it is a float64, else the one of its two neighbours whose last bit is 1.

    No midpoint of two float32s is odd, so what the exact sum would have rounded to, this rounds to as well, subnormal
    float32s included (Boldo and Melquiond 2008, Emulation of FMA and correctly rounded sums: rounding to odd).
    """
    total = math.fsum(terms)
    rest = math.fsum((*terms, -total))
    if rest and not _is_odd(total):
        total = math.nextafter(total, math.copysign(math.inf, rest))
    return total


def look_up(name: str, x: Sequence[int], y: Sequence[int]) -> list[int]:
    """Return the bits of the float32s nearest to f(x). y are rounded float64 results, wrong for hard cases."""
    return [HARD[name].get(hard, easy) for hard, easy in zip(x, y, strict=True)]


def _is_odd(number: float) -> bool:
    fraction, _ = math.frexp(number)
    return int(fraction * 2**53) % 2 == 1


class Tally:
    """How many products and sums this process rounded, and how many of them it had to sum exactly."""

    def __init__(self) -> None:
        self.rounded = self.summed = 0

    def add(self, rounded: int, summed: int) -> None:
        """Count a batch of results."""
        self.rounded += rounded
        self.summed += summed

    def read(self) -> tuple[int, int]:
        """Return both counts."""
        return self.rounded, self.summed
