"""Grade a program in any language: the checks of a backend, through requests, and those of program.checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from ..checks.backend_under_test import BackendUnderTest
from ..grading import GPT_PART, ROUNDS, SEED, grade, grade_one, selected
from ..levels import BOTH, GPT_LEVELS, LEVELS
from ..report import Report, Result
from .backend import ProgramBackend, speaks_gpt
from .checks import PROGRAM_CHECKS
from .protocol import TIMEOUT, Program

OPTIONAL = "initial_weights"  # bit by bit, though log and cos of another language may differ in the last one
# Layers remember their input and a cache its tokens, but a program keeps nothing between two requests.
NOT_ASKED = ("layers", "gpt_layers", "gpt_cache", "gpt_initial_weights")
OWN_LEVELS = tuple(dict.fromkeys(check.level for check in PROGRAM_CHECKS))


def grade_program(
    command: Sequence[str],
    dtypes: Collection[str] = BOTH,
    rounds: int = ROUNDS,
    seed: int = SEED,
    levels: Collection[str] | None = None,
    timeout: float = TIMEOUT,
    each: Callable[[BackendUnderTest, Result], Result] = lambda backend, result: result,
) -> Report:
    """Grade `command`, run with `conformance ...` added, in the given levels, or in all but NOT_ASKED.

    In the second case a program that does not list `initial_weights` is not asked for them, nor for the GPT's part one
    that lists none of its functions.

    A request may take at most `timeout` seconds; `each` gets each result as it comes, and may add to it. Raises OSError
    if the command cannot be started, ValueError if it does not follow the protocol, UsageError as `grade` does.
    """
    selected(levels, dtypes)
    began = time.monotonic()
    with Program(command, timeout) as program:
        skipped = (OPTIONAL,) if levels is None and OPTIONAL not in program.functions else ()
        skipped += (GPT_PART,) if levels is None and not speaks_gpt(program) else ()
        every = LEVELS if GPT_PART in skipped else (*LEVELS, *GPT_LEVELS)
        unasked = (*NOT_ASKED, *skipped)
        chosen = [level for level in every if (level not in unasked if levels is None else level in levels)]
        backend = ProgramBackend(program)
        report = grade(backend, [level for level in chosen if level not in OWN_LEVELS], dtypes, rounds, seed, each)
        results, under_test = list(report.results), BackendUnderTest(backend)
        for number, check in enumerate(PROGRAM_CHECKS):
            if check.level in chosen:
                for dtype in (d for d in dtypes if d in check.dtypes):
                    result = grade_one(under_test, check, dtype, rounds, seed, results, number=len(LEVELS) + number)
                    results.append(each(under_test, result))
    seconds = round(time.monotonic() - began, 1)
    return Report(report.backend, tuple(results), report.origin, skipped=skipped, seconds=seconds)
