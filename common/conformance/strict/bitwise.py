"""A tensor compared with the strict oracle's, bit by bit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray
SIGN = 0x8000_0000


@dataclass(frozen=True)
class BitComparison:
    """How many float32s of a tensor were compared and how many were wrong; the values are of the first wrong one."""

    name: str
    compared: int
    wrong: int
    ok: bool
    reason: str = ""  # why not ok; empty if it is
    index: tuple[int, ...] = ()
    actual: float = np.nan
    expected: float = np.nan
    bits: tuple[str, str] = ("", "")  # of both, in hexadecimal
    ulps: int = 0  # how many float32s from one to the other

    def joined(self, other: BitComparison) -> BitComparison:
        """Both together; the first wrong value stays the first."""
        first = other if self.ok else self
        return replace(first, compared=self.compared + other.compared, wrong=self.wrong + other.wrong)


def compare_bits(name: str, actual: Any, expected: Array, any_zero: bool = False) -> BitComparison:
    """Compare bit by bit; with `any_zero` -0 equals +0. Fails where nothing but zeros, or a NaN, is expected.

    A Python float counts as a float32 if it is exactly one.
    """
    expected = np.asarray(expected)
    if isinstance(actual, float) and float(np.float32(actual)) == actual:
        actual = np.float32(actual)
    actual = np.asarray(actual)
    if actual.shape != expected.shape or actual.dtype != np.float32:
        got, needed = (f"{a.dtype} of shape {a.shape}" for a in (actual, expected))
        return BitComparison(name, 0, 0, False, f"it is {got}; it must be {needed}")
    if not expected.any() or np.isnan(expected).any():
        return BitComparison(name, 0, 0, False, "nothing was compared: the expected values are all zero, or one is NaN")
    found, right = (np.asarray(a, order="C").view(np.uint32).astype(np.int64) for a in (actual, expected))
    differs = found != right
    if any_zero:
        differs &= (actual != 0) | (expected != 0)
    wrong = int(differs.sum())
    if not wrong:
        return BitComparison(name, expected.size, 0, True)
    place = np.unravel_index(np.argmax(differs), differs.shape)
    bits, ulps = (f"{found[place]:08x}", f"{right[place]:08x}"), abs(int(_rank(found[place]) - _rank(right[place])))
    return BitComparison(
        name,
        compared=expected.size,
        wrong=wrong,
        ok=False,
        reason=f"its bits are {bits[0]}, not {bits[1]}: {ulps} ULP off",
        index=tuple(map(int, place)),
        actual=float(actual[place]),
        expected=float(expected[place]),
        bits=bits,
        ulps=ulps,
    )


def _rank(bits: int) -> int:
    """The position of a float32 among all of them, from its bits; both zeros have position 0."""
    return SIGN - bits if bits & SIGN else bits
