"""What fails only because something that it uses fails: one mistake, many failures, and a student wants to see one."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from .levels import BUILDS_ON, CHECKS, GPT_CHECKS, LAYER_USES, Check
from .report import FAILED, Result

# Of a level, the check of ordinary numbers, which the other checks of the level ask for again in other circumstances.
ORDINARY = {check.level: check.name for check in reversed((*CHECKS, *GPT_CHECKS))}
# These say nothing about the numbers that a level above would see.
SPEAKS_FOR_ITSELF = (
    "any layout",
    "any value",
    "any size",
    "sizes of one",
    "ids in any layout",
    "backward twice",
    "small batch after a large one",
    "calls in any order",
    "arguments unchanged",
    "without targets",
    "refuses bad ids",
)
MUST_RAISE = "it must raise"  # what a check says of an error that did not come: no wrong number explains that


def because(check: Check, dtype: str, failure: Result, before: Collection[Result]) -> str:
    """The level, or the check of the same level, whose failure explains this one; empty if none does."""
    if MUST_RAISE in failure.reason:
        return ""
    used = uses(check)
    for earlier in before:
        if earlier.outcome != FAILED or earlier.dtype != dtype or earlier.because:
            continue
        if earlier.level == check.level and earlier.check == ORDINARY[check.level] and check.level != "layers":
            return f"{earlier.level}/{earlier.check}"
        if earlier.level in used and _reaches(earlier, check, failure):
            return earlier.level
    return ""


def uses(check: Check) -> tuple[str, ...]:
    """The levels that a check builds on, directly or not."""
    found = list(LAYER_USES.get(check.name, ()) if check.level == "layers" else BUILDS_ON.get(check.level, ()))
    found = found or list(BUILDS_ON.get(check.level, ()))
    for level in found:  # grows while it is read
        found += [below for below in BUILDS_ON.get(level, ()) if below not in found]
    return tuple(found)


def _reaches(earlier: Result, check: Check, failure: Result) -> bool:
    """Whether what failed earlier shows in this check: only in the same circumstances, if it failed only in those."""
    if earlier.check not in SPEAKS_FOR_ITSELF:
        return True
    if earlier.check == "any size":
        return "size" in check.name or check.level == "training"
    if earlier.check == "any value":
        return check.name == "any value" or any(not np.isfinite(m.actual) for m in failure.measurements if not m.ok)
    return earlier.check == check.name
