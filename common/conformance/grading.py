"""Grade a backend: every level, every check, both dtypes. What it does not have is "not there", never "passed"."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from nnz.backend import spec
from nnz.files.errors import UsageError, nearest, one_line

from .bounds.in_words import in_words
from .cases.shapes import FewShapes
from .checks.backend_under_test import LONGEST_REASON, BackendUnderTest, NotThere, Wrong, describe
from .consequences import because
from .levels import BOTH, CHECKS, GPT_CHECKS, GPT_LEVELS, KINDS, LEVELS, STRICT, STRICT_CHECKS, Check
from .report import FAILED, NOT_THERE, PASSED, Report, Result
from .sharing import Assistants

__all__ = [
    "BOTH",
    "CHECKS",
    "KINDS",
    "LEVELS",
    "STRICT",
    "Report",
    "Result",
    "Shared",
    "grade",
    "grade_one",
    "selected",
]

ROUNDS, SEED = 20, 2003
ALL_CHECKS = (*CHECKS, *STRICT_CHECKS, *GPT_CHECKS)
GPT_PART = "the GPT's operations"
ALL_BUT_GPT = "all but the GPT"
OF_GPT_ALONE = ("gpt", "gpt_initial_weights", "gpt_cache")

Job = tuple[Check, str, int | None]  # a check, a dtype and the number of the check, if it is not in ALL_CHECKS
Each = Callable[[BackendUnderTest, Result], Result]


def unchanged(backend: BackendUnderTest, result: Result) -> Result:
    return result


@dataclass(frozen=True)
class Shared:
    """How checks are shared out: how many at once, and what opens a backend for each process."""

    at_once: int = 1
    opened: Callable[[], AbstractContextManager[BackendUnderTest]] | None = None
    told: Callable[[Result], None] = lambda result: None


def grade(
    backend: ModuleType | str | BackendUnderTest,
    levels: Collection[str] | None = None,
    dtypes: Collection[str] = BOTH,
    rounds: int = ROUNDS,
    seed: int = SEED,
    each: Each = unchanged,
    shared: Shared | None = None,
) -> Report:
    """Grade a backend in some levels with `rounds` random cases for each check.

    If levels is None, in all; but in those of the GPT only if it has any of its operations. A GPT that comes without
    operations and MLP is graded in OF_GPT_ALONE.

    One given by name or as a module runs in this process. `each` gets each result while the backend is there to be
    asked, and may add to it. `shared` says how others may help, and who is told of each result, in order.

    Raises UsageError for an unknown level, dtype or backend, or fewer than one round; ImportError for a backend that
    cannot be imported.
    """
    asked = selected(levels, dtypes)
    under_test = backend if isinstance(backend, BackendUnderTest) else BackendUnderTest(backend)
    skipped = ()
    if levels is None and not has_gpt(under_test):
        alone = _has(under_test, "GPT") and not _has(under_test, "ops") and not _has(under_test, "MLP")
        skipped, levels = ((ALL_BUT_GPT,), OF_GPT_ALONE) if alone else ((GPT_PART,), LEVELS)
        asked = selected(levels, dtypes)
    return graded(under_test, [(*job, None) for job in asked], rounds, seed, each, shared, skipped)


def graded(
    under_test: BackendUnderTest,
    jobs: Sequence[Job],
    rounds: int,
    seed: int,
    each: Each = unchanged,
    shared: Shared | None = None,
    skipped: tuple[str, ...] = (),
) -> Report:
    """The report on these checks; raises UsageError for fewer than one round."""
    if rounds < 1:
        raise UsageError(f"rounds must be at least 1; got {rounds}")
    shared, began = shared or Shared(), time.monotonic()
    results: list[Result] = []
    borrowed: dict[str, None] = {}
    came: dict[int, tuple[Result, Collection[str]]] = {}

    def do(one: BackendUnderTest, job: int) -> tuple[Result, Collection[str]]:
        return each(one, grade_one(one, *jobs[job][:2], rounds, seed, jobs[job][2])), one.borrowed()

    def accept(more: Iterable[tuple[int, tuple[Result, Collection[str]]]]) -> None:
        for job, outcome in more:
            came.setdefault(job, outcome)
        while (found := came.pop(len(results), None)) is not None:
            result = found[0]
            if result.outcome == FAILED and (why := because(*jobs[len(results)][:2], result, results)):
                result = replace(result, because=why, cause="")
            results.append(result)
            borrowed.update(dict.fromkeys(found[1]))
            shared.told(result)

    with Assistants(shared.at_once, len(jobs), shared.opened, do) as assistants:
        while (job := assistants.take()) is not None:
            accept([(job, do(under_test, job)), *assistants.done()])
        accept(assistants.done(at_the_end=True))
    while len(results) < len(jobs):  # an assistant was killed
        accept([(len(results), do(under_test, len(results)))])
    try:
        few_shapes = _few_shapes(under_test)
    except Wrong:  # as each check has said
        few_shapes = False
    how = {"seconds": round(time.monotonic() - began, 1), "few_shapes": few_shapes, "skipped": skipped}
    return Report(under_test.name, tuple(results), under_test.origin(), tuple(borrowed), **how)


def has_gpt(backend: BackendUnderTest) -> bool:
    """Whether it has any of the GPT's operations; one that has none is graded on the MLP's part alone."""
    return any(_has(backend, f"ops.{name}") for name in spec.FUNCTIONS.keys() - spec.MLP_FUNCTIONS.keys())


def _has(backend: BackendUnderTest, path: str) -> bool:
    with suppress(NotThere, Wrong):
        backend.find(path)
        return True
    return False


def not_importable(backend: str, error: ImportError, levels: Collection[str] | None, dtypes: Collection[str]) -> Report:
    """The report on a backend that cannot be imported: nothing of it is there."""
    name = type(error).__name__
    reason = one_line(str(error) if name == "ImportError" else f"{name}: {error}")
    results = tuple(Result(c.level, c.name, d, NOT_THERE, reason, ()) for c, d in selected(levels, dtypes))
    return Report(backend, results, error=reason, error_where=getattr(error, "place", ""))


def selected(levels: Collection[str] | None = None, dtypes: Collection[str] = BOTH) -> list[tuple[Check, str]]:
    """The checks of these levels, of all if None, in each dtype. Raises UsageError for an unknown level or dtype."""
    every = (*LEVELS, *GPT_LEVELS)
    for what, known, given in (("level", every, levels or ()), ("dtype", KINDS, dtypes)):
        for name in given:
            if name not in known:
                raise UsageError(f"unknown {what} {name!r}; {nearest(name, known)}")
    chosen = every if levels is None else levels
    return [(c, dtype) for c in ALL_CHECKS if c.level in chosen for dtype in dtypes if dtype in c.dtypes]


def grade_one(
    backend: BackendUnderTest,
    check: Check,
    dtype: str,
    rounds: int,
    seed: int,
    number: int | None = None,
) -> Result:
    """One check in one dtype. Its random cases depend on `seed` and its number, and on nothing else that is graded."""
    number = ALL_CHECKS.index(check) if number is None else number
    drawn_from = [seed, number, KINDS.index(dtype)]
    measurements, outcome, reason, where = (), PASSED, "", ""
    try:
        backend.begin()
        with np.errstate(all="ignore"):  # whatever numbers a backend returns, they may go into the oracle
            rng = FewShapes(drawn_from) if _few_shapes(backend) else np.random.default_rng(drawn_from)
            measurements = _collected(check.run(backend, dtype, rng, rounds))
        reason = _first_failure(measurements) if measurements else "nothing was compared"
        outcome = FAILED if reason else PASSED
    except NotThere as error:
        outcome, reason = NOT_THERE, _cut(error)
    except Wrong as error:
        outcome, reason = FAILED, _cut(error)
        where = "" if error.__cause__ is None else backend.place_of_error(error.__cause__)
    except Exception as error:  # a result that made the check itself fail
        outcome, reason = FAILED, f"the check cannot use its result: {describe(error)}"
    borrowed = " and ".join(backend.borrowed())
    if borrowed and outcome == PASSED and backend.is_own:
        outcome, reason = FAILED, f"{borrowed} ran in its place"
    note = f"{borrowed} ran for it" if borrowed else ""
    return Result(check.level, check.name, dtype, outcome, reason, measurements, where=where, note=note)


def _cut(error: Exception) -> str:
    """Its text on one line of limited length: it may quote names that the backend gave."""
    return one_line(str(error)[: 2 * LONGEST_REASON])[:LONGEST_REASON]


def _few_shapes(backend: BackendUnderTest) -> bool:
    """Whether its module asks for few shapes. Raises Wrong if what it says there is not known."""
    try:
        asked = backend.find("SHAPES")
    except NotThere:
        return False
    if asked != "few":
        raise Wrong(f'SHAPES is {asked!r}; it must be "few", or not be there')
    return True


def _collected(cases: Iterable[list[Any]]) -> tuple[Any, ...]:
    """The figures of all cases, one entry for each tensor. A case that fails is the last one."""
    found: dict[str, Any] = {}
    for case in cases:
        for m in case:
            found[m.name] = found[m.name].joined(m) if m.name in found else m
        if not all(m.ok for m in case):
            break
    return tuple(found.values())


def _first_failure(measurements: Iterable[Any]) -> str:
    """Which tensor failed first, where, and why; empty if none did."""
    return next((in_words(m) for m in measurements if not m.ok), "")
