"""From many comparisons to one line per tensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..bounds.compare import Measurement, compare
from .backend_under_test import Wrong, as_array


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


def collected(cases: Iterable[list[Any]]) -> tuple[Any, ...]:
    """Per tensor the figures of all cases, Measurements or Agreements; the first case that fails is the last."""
    found: dict[str, Any] = {}
    for case in cases:
        for m in case:
            found[m.name] = found[m.name].joined(m) if m.name in found else m
        if not all(m.ok for m in case):
            break
    return tuple(found.values())


def first_failure(measurements: Iterable[Any]) -> str:
    """Which tensor failed first, where, and why; empty if none did."""
    for m in measurements:
        if not m.ok:
            place = f"[{', '.join(map(str, m.index))}]" if m.index else ""
            if np.isnan(m.actual) and np.isnan(m.expected):
                return f"{m.name}: {m.reason}"
            return f"{m.name}{place} is {m.actual:.9g}, the oracle's {m.expected:.9g}: {m.reason}"
    return ""
