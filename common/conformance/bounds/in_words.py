"""One wrong number in words: by how much, where, what it is, and what is right."""

from __future__ import annotations

from typing import Any

import numpy as np

NEARLY, VISIBLE = 1.5, 1e-4  # a factor below which a percentage is clearer; a share below which it is not
DIGITS = (2, 3, 4, 6, 9, 12, 17)


def in_words(m: Any) -> str:
    """Of a measurement, as "y is 7.0 times too large at [3, 17]: 0.51 where 0.073 is right; T1: 9e+05 times ..."."""
    place = f" at [{', '.join(map(str, m.index))}]" if m.index else ""
    if np.isnan(m.actual) and np.isnan(m.expected):
        return f"{m.name}: {m.reason}"
    by = _by_how_much(m.actual, m.expected)
    start = f"{m.name} is {by}{place}:" if by else f"{m.name}{place} is"
    return f"{start} {_both(m.actual, m.expected)}; {m.reason}"


def _by_how_much(actual: float, expected: float) -> str:
    """Empty where no factor leads from one to the other."""
    if not (np.isfinite(actual) and np.isfinite(expected)) or actual == 0 or expected == 0:
        return ""
    ratio = actual / expected
    if ratio < 0:
        return "of the wrong sign"
    factor, way = max(ratio, 1 / ratio), "large" if abs(ratio) > 1 else "small"
    if factor >= NEARLY:
        return f"{factor:{'.1f' if factor < 1000 else '.1e'}} times too {way}"
    share = abs(ratio - 1)
    return f"{100 * share:.2g}% too {way}" if share >= VISIBLE else f"too {way} by {share:.1e} of it"


def _both(actual: float, expected: float) -> str:
    """Both numbers, with the fewest digits that tell them apart."""
    for digits in DIGITS:
        pair = f"{actual:.{digits}g}", f"{expected:.{digits}g}"
        if pair[0] != pair[1]:
            break
    return f"{pair[0]} where {pair[1]} is right"
