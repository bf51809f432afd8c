"""One tensor against the strict oracle's: every bit, or it is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray
SIGN = 0x8000_0000


@dataclass(frozen=True)
class Agreement:
    """How many float32s of a tensor were compared and how many were wrong; the values are those of the first."""

    name: str
    compared: int
    wrong: int
    ok: bool
    reason: str = ""  # why not ok; empty if it is
    index: tuple[int, ...] = ()
    actual: float = np.nan
    expected: float = np.nan
    bits: tuple[str, str] = ("", "")  # of both, in hexadecimal
    ulps: int = 0  # how many float32s lie between them, the expected one counted

    def joined(self, other: Agreement) -> Agreement:
        """Both together; the first one wrong stays the first."""
        first = other if self.ok else self
        return replace(first, compared=self.compared + other.compared, wrong=self.wrong + other.wrong)


def agreement(name: str, actual: Any, expected: Array, any_zero: bool = False) -> Agreement:
    """Compare bit by bit; with `any_zero` -0 is as good as +0. There must be something to compare that is not zero.

    A Python float is taken for a float32 if it is one.
    """
    expected = np.asarray(expected)
    if isinstance(actual, float) and float(np.float32(actual)) == actual:
        actual = np.float32(actual)
    actual = np.asarray(actual)
    if actual.shape != expected.shape or actual.dtype != np.float32:
        said, due = (f"{a.dtype} of shape {a.shape}" for a in (actual, expected))
        return Agreement(name, 0, 0, False, f"{said} where {due} was due")
    if not expected.any() or np.isnan(expected).any():
        return Agreement(name, 0, 0, False, "nothing was compared: all that is due is zero, or some of it is NaN")
    found, due = (np.asarray(a, order="C").view(np.uint32).astype(np.int64) for a in (actual, expected))
    differs = found != due
    if any_zero:
        differs &= (actual != 0) | (expected != 0)
    wrong = int(differs.sum())
    if not wrong:
        return Agreement(name, expected.size, 0, True)
    place = np.unravel_index(np.argmax(differs), differs.shape)
    bits, ulps = (f"{found[place]:08x}", f"{due[place]:08x}"), abs(int(_rank(found[place]) - _rank(due[place])))
    return Agreement(
        name,
        compared=expected.size,
        wrong=wrong,
        ok=False,
        reason=f"{bits[0]} where {bits[1]} was due, {ulps} ULP off",
        index=tuple(map(int, place)),
        actual=float(actual[place]),
        expected=float(expected[place]),
        bits=bits,
        ulps=ulps,
    )


def _rank(bits: int) -> int:
    """The place of a float32 among all of them, from its bits; both zeros have 0."""
    return SIGN - bits if bits & SIGN else bits
