"""Grade a backend: every level, every check, both dtypes; what it does not have is "not there", never "passed"."""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType

import numpy as np

from nnz.files.errors import UsageError, nearest

from .checks.backend_under_test import NotThere, Subject, Wrong, describe
from .checks.measuring import collected, first_failure
from .levels import BOTH, BUILDS_ON, CHECKS, LEVELS, STRICT, Check
from .report import FAILED, NOT_THERE, PASSED, Report, Result
from .strict.levels import STRICT_CHECKS

__all__ = [
    "BOTH",
    "CHECKS",
    "KINDS",
    "LEVELS",
    "STRICT",
    "Report",
    "Result",
    "absent",
    "grade",
    "grade_one",
    "selected",
]

ROUNDS, SEED = 20, 2003
KINDS, ALL_CHECKS = (*BOTH, STRICT), (*CHECKS, *STRICT_CHECKS)


def grade(
    backend: ModuleType | str,
    levels: Collection[str] | None = None,
    dtypes: Collection[str] = BOTH,
    rounds: int = ROUNDS,
    seed: int = SEED,
) -> Report:
    """Grade a backend, by name or module, in some levels (all, if None) with `rounds` random cases a check.

    Raises UsageError for an unknown level, dtype or backend, or no round; ImportError for one that cannot be imported.
    """
    asked = selected(levels, dtypes)
    if rounds < 1:
        raise UsageError(f"rounds must be at least 1; got {rounds}")
    subject = Subject(backend)
    results: list[Result] = []
    for check, dtype in asked:
        results.append(grade_one(subject, check, dtype, rounds, seed, results))
    return Report(subject.name, tuple(results), subject.origin())


def absent(backend: str, reason: str, levels: Collection[str] | None, dtypes: Collection[str]) -> Report:
    """The report on a backend that cannot even be imported: nothing of it is there."""
    return Report(
        backend, tuple(Result(c.level, c.name, d, NOT_THERE, reason, ()) for c, d in selected(levels, dtypes))
    )


def selected(levels: Collection[str] | None = None, dtypes: Collection[str] = BOTH) -> list[tuple[Check, str]]:
    """The checks of these levels, once per dtype. Raises UsageError for a level or dtype that is not known."""
    for what, known, given in (("level", LEVELS, levels or ()), ("dtype", KINDS, dtypes)):
        for name in given:
            if name not in known:
                raise UsageError(f"unknown {what} {name!r}; {nearest(name, known)}")
    chosen = LEVELS if levels is None else levels
    return [(c, dtype) for c in ALL_CHECKS if c.level in chosen for dtype in dtypes if dtype in c.dtypes]


def grade_one(
    subject: Subject, check: Check, dtype: str, rounds: int, seed: int, before: Collection[Result] = ()
) -> Result:
    """One check in one dtype. It draws the same cases whatever else is graded; `before` is what it may build on."""
    rng = np.random.default_rng([seed, ALL_CHECKS.index(check), KINDS.index(dtype)])
    subject.witness.modules.clear()
    measurements, outcome, reason = (), PASSED, ""
    try:
        measurements = collected(check.run(subject, dtype, rng, rounds))
        reason = first_failure(measurements)
        if not measurements:
            reason = "nothing was compared"
        outcome = FAILED if reason else PASSED
    except NotThere as error:
        outcome, reason = NOT_THERE, str(error)
    except Wrong as error:
        outcome, reason = FAILED, str(error)
    except Exception as error:  # an answer so strange that the check itself could not go on
        outcome, reason = FAILED, f"no check can make anything of its answer: {describe(error)}"
    if subject.borrowed() and outcome == PASSED and subject.is_own:
        outcome, reason = FAILED, f"{subject.borrowed()} ran in its place"
    return Result(check.level, check.name, dtype, outcome, reason, measurements, _note(subject, check, before))


def _note(subject: Subject, check: Check, before: Collection[Result]) -> str:
    """What throws a doubtful light on the result: a level below that failed, or another backend's code that ran."""
    broken = sorted({r.level for r in before if r.outcome == FAILED} & {*BUILDS_ON.get(check.level, ())})
    notes = [f"builds on {', '.join(broken)}, which failed"] if broken else []
    if subject.borrowed():
        notes.append(f"{subject.borrowed()} ran for it")
    return "; ".join(notes)
