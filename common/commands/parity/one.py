"""Grades in this process, one backend after the other, and prints each report when it is done."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ...backend import by_path
from ...files.errors import UsageError
from ...files.terminal import bar
from .written import Graded, row, rows_alone

if TYPE_CHECKING:
    from ...conformance.report import Report, Result

MOST_JOBS = 4  # where --jobs says nothing: each has a backend, which may take much memory
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def grade(names: Sequence[str | None], arguments: argparse.Namespace) -> Graded:
    """The reports on these backends, None for the program of --cmd; what is wrong with them; and the xfails."""
    from ...conformance import xfails

    known = xfails.read(arguments.xfails) if arguments.xfails else ()
    reports: list[Report] = []
    for name in names:
        report = _graded(name, arguments)
        reports.append(report)
        if arguments.json == "-":
            continue
        excused = xfails.excused(known, report)
        text = row(report.to_json()) if rows_alone(names, arguments) else _text(report, excused, arguments.verbose)
        print(text, flush=True)
    problems = [p for report in reports if (p := _unmet(report, xfails.excused(known, report)))]
    problems += [_borrowed(report) for report in reports if report.borrowed and not arguments.allow_borrowing]
    problems += xfails.complaints(known, reports)
    return [r.to_json() for r in reports], problems, {xfail.pattern: xfail.reason for xfail in known}


def dtypes(arguments: argparse.Namespace) -> tuple[str, ...]:
    """What --dtype and --strict ask for."""
    from ...conformance import grading

    return (*(arguments.dtype or ()), *((grading.STRICT,) if arguments.strict else ())) or grading.BOTH


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def jobs(arguments: argparse.Namespace) -> int:
    """How many checks of one backend are graded at a time."""
    return 1 if arguments.in_process else arguments.jobs or min(cores(), MOST_JOBS)


def words(command: str) -> list[str]:
    """The program and its arguments, as a shell would cut them. Raises UsageError."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--cmd {command!r} is not a command: {error}") from error
    if not words:
        raise UsageError("--cmd is empty; name a program, as in --cmd ./program")
    return words


def _graded(name: str | None, arguments: argparse.Namespace) -> Report:
    from threadpoolctl import threadpool_limits

    from ...conformance import grading
    from ...conformance.explained import explained
    from ...conformance.isolated.remote import IsolatedBackend
    from ...conformance.program.grade import grade_program

    asked, levels = dtypes(arguments), arguments.level
    # Two threads gain nothing in the oracle's small products, and on a busy machine wait for each other.
    alone = nullcontext() if arguments.in_process else threadpool_limits(1, user_api="blas")
    drawn, limit, at_once = (arguments.rounds, arguments.seed), arguments.timeout, jobs(arguments)
    asked_checks = len(grading.selected(levels, asked))
    with alone, _alone(at_once), _Progress(name or arguments.cmd, asked_checks, arguments) as progress:
        if name is None:
            command = words(arguments.cmd)
            return grade_program(command, asked, *drawn, levels, limit, explained, at_once, progress.show)
        place = by_path.place_of(name)
        sha256 = by_path.sha256_of(place) if place is not None else ""  # before anything of it runs
        try:
            opened = partial(nullcontext, name) if arguments.in_process else partial(IsolatedBackend, name, limit)
            shared = grading.Shared(at_once, opened, progress.show)
            with opened() as backend:
                report = grading.grade(backend, levels, asked, *drawn, explained, shared)
        except ImportError as error:
            report = grading.not_importable(name, error, levels, asked)
    return replace(report, sha256=sha256)


@contextmanager
def _alone(at_once: int) -> Iterator[None]:
    """While several work, each new process computes on one thread, unless the environment says otherwise."""
    before = dict(os.environ)
    os.environ.update(ONE_THREAD | before if at_once > 1 else {})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Progress:
    """A bar on stderr, if that is a terminal; with --verbose each result on stdout as it comes."""

    def __init__(self, name: str, checks: int, arguments: argparse.Namespace) -> None:
        self._bar = bar(checks, "check", desc=name, leave=False)
        self._verbose, self._header = arguments.verbose and arguments.json != "-", ""

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def show(self, result: Result) -> None:
        """What the grading calls with each result."""
        from ...conformance import printed

        if self._verbose:
            lines = [] if self._header == printed.header(result) else [printed.header(result)]
            self._header = printed.header(result)
            self._bar.clear()
            print("\n".join([*lines, *printed.details(result)]), flush=True)
        self._bar.set_postfix_str(result.level, refresh=False)
        self._bar.update()


def _text(report: Report, excused: frozenset[str], verbose: bool) -> str:
    """The first five lines, a line for each level, and the tensors of the first failure."""
    from ...conformance import printed

    parts: list[Any] = [printed.summary(report, excused), printed.levels(report, excused)]
    first = report.first_to_mend(excused)
    if first is not None and first.measurements and not verbose:
        parts.append("\n".join([printed.header(first), *printed.details(first, excused)]))
    return "\n\n".join(filter(None, parts)) + "\n"


def _unmet(report: Report, excused: frozenset[str]) -> str:
    """What the error says of a report with failures; empty for one without."""
    if report.met + len(excused) == report.asked and report.met > 0:
        return ""
    return f"{report.backend} {report.summary()}"


def _borrowed(report: Report) -> str:
    """What the error says of a report on a backend that let others compute."""
    return f"{report.backend} is borrowed: it used {', '.join(report.borrowed)} (--allow-borrowing lets it)"
