"""From many comparisons to one line per tensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .compare import Measurement, compare
from .subject import Wrong, as_array


def measured(
    actual: Mapping[str, Any], expected: Mapping[str, Any], bounds: Mapping[str, Any], dtype: DTypeLike
) -> list[Measurement]:
    """Compare every tensor of `actual`. Raises Wrong for one that is no array, or that the oracle does not know."""
    if strange := sorted(set(map(str, actual)) - set(expected)):
        raise Wrong(f"it gave {', '.join(strange)}, which nobody asked for")
    return [
        compare(name, as_array(name, value, dtype), expected[name], bounds[name], dtype)
        for name, value in actual.items()
    ]


def proof_alone(m: Measurement) -> Measurement:
    """By T1 only, for what T2 is not meant for: a trajectory, a tensor of a single number."""
    return replace(m, ok=True, reason="", t2_share=np.nan) if m.share_of_bound <= 1 else m


def collected(cases: Iterable[list[Measurement]]) -> tuple[Measurement, ...]:
    """Per tensor the largest figures of all cases and the place of the worst; the first case that fails is the last."""
    worst: dict[str, Measurement] = {}
    for case in cases:
        for m in case:
            worst[m.name] = _worse(worst.get(m.name, m), m)
        if not all(m.ok for m in case):
            break
    return tuple(worst.values())


def first_failure(measurements: Iterable[Measurement]) -> str:
    """Which tensor failed first, where, and why; empty if none did."""
    for m in measurements:
        if not m.ok:
            place = f"[{', '.join(map(str, m.index))}]" if m.index else ""
            return f"{m.name}{place} is {m.actual:.9g}, the oracle's {m.expected:.9g}: {m.reason}"
    return ""


def _worse(a: Measurement, b: Measurement) -> Measurement:
    """The largest of each figure, with the place and the values of whichever is worse."""
    place = max(a, b, key=lambda m: (not m.ok, max(m.share_of_bound, m.t2_share)))
    figures = ("max_error", "u_of_largest", "share_of_bound", "t2_share", "ulp_of_largest")
    return replace(place, **{name: max(getattr(a, name), getattr(b, name)) for name in figures})
