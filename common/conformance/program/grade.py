"""Grade a program in any language: the checks of a backend, through requests, and those of program.checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from ..checks.backend_under_test import BackendUnderTest
from ..grading import GPT_PART, ROUNDS, SEED, Each, Shared, graded, selected, unchanged
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
    each: Each = unchanged,
    at_once: int = 1,
    told: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Grade `command`, run with `conformance ...` added, in the given levels, or in all but NOT_ASKED.

    In the second case a program that does not list `initial_weights` is not asked for them, nor for the GPT's part one
    that lists none of its functions.

    A request may take at most `timeout` seconds; for the rest see `grade`. Raises OSError if the command cannot be
    started, ValueError if it does not follow the protocol, UsageError as `grade` does.
    """
    asked = selected(levels, dtypes)

    @contextmanager
    def opened() -> Iterator[BackendUnderTest]:
        with Program(command, timeout) as program:
            yield BackendUnderTest(ProgramBackend(program))

    with opened() as backend:
        program = backend.module.program
        skipped = (OPTIONAL,) if levels is None and OPTIONAL not in program.functions else ()
        skipped += (GPT_PART,) if levels is None and not speaks_gpt(program) else ()
        unasked = (*NOT_ASKED, *skipped, *(GPT_LEVELS if GPT_PART in skipped else ())) if levels is None else ()
        jobs = [(c, dtype, None) for c, dtype in asked if c.level not in (*unasked, *OWN_LEVELS)]
        for number, check in enumerate(PROGRAM_CHECKS, len(LEVELS)):
            if levels is None or check.level in levels:
                jobs += [(check, dtype, number) for dtype in dtypes if dtype in check.dtypes]
        return graded(backend, jobs, rounds, seed, each, Shared(at_once, opened, told), skipped)
