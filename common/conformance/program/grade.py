"""Grade a program in any language: the checks of a backend through requests, and those that only a program meets."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ..checks.backend_under_test import NotThere, Subject, Wrong
from ..checks.measuring import collected, first_failure
from ..grading import KINDS, ROUNDS, SEED, grade, selected
from ..levels import BOTH, LEVELS, Check
from ..report import FAILED, NOT_THERE, PASSED, Report, Result
from .backend import ProgramBackend
from .checks import PROGRAM_CHECKS
from .protocol import TIMEOUT, Program

NOT_ASKED = "layers"  # objects that remember: the protocol knows none, as a program keeps nothing between requests
OWN_LEVELS = tuple(dict.fromkeys(check.level for check in PROGRAM_CHECKS))


def grade_program(
    command: Sequence[str],
    dtypes: Collection[str] = BOTH,
    rounds: int = ROUNDS,
    seed: int = SEED,
    levels: Collection[str] | None = None,
    timeout: float = TIMEOUT,
) -> Report:
    """Grade `command`, to which `conformance ...` is added, in all levels but `layers`, or in those asked for.

    No single request may take longer than `timeout` seconds. Raises OSError if it cannot be started, ValueError if it
    does not speak the protocol, UsageError as `grade` does.
    """
    selected(levels, dtypes)
    chosen = [level for level in LEVELS if (levels is None and level != NOT_ASKED) or level in (levels or ())]
    backend = ProgramBackend(Program(command, timeout))
    report = grade(backend, [level for level in chosen if level not in OWN_LEVELS], dtypes, rounds, seed)
    results, subject = list(report.results), Subject(backend)
    for number, check in enumerate(PROGRAM_CHECKS):
        if check.level in chosen:
            for dtype in (d for d in dtypes if d in check.dtypes):
                rng = np.random.default_rng([seed, len(LEVELS) + number, KINDS.index(dtype)])
                results.append(_graded(subject, check, dtype, rounds, rng))
    return Report(report.backend, tuple(results), report.origin)


def _graded(subject: Subject, check: Check, dtype: str, rounds: int, rng: np.random.Generator) -> Result:
    measurements, outcome, reason = (), PASSED, ""
    try:
        with np.errstate(all="ignore"):  # the program's own numbers, whatever they are, go into the oracle
            measurements = collected(check.run(subject, dtype, rng, rounds))
        reason = first_failure(measurements) if measurements else "nothing was compared"
        outcome = FAILED if reason else PASSED
    except NotThere as error:
        outcome, reason = NOT_THERE, str(error)
    except Wrong as error:
        outcome, reason = FAILED, str(error)
    return Result(check.level, check.name, dtype, outcome, reason, measurements)
