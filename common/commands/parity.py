"""Grade backends against the float64 oracle: the conformance table.

The exit code is 0 only if every check passes that was asked for; what a backend does not have is "not there".
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backend import registry
from ..files.atomic import try_out, write_json
from ..files.errors import Refusal, UsageError, refusing

if TYPE_CHECKING:
    from ..conformance.report import Report

EXAMPLES = """\
  nnz parity
  nnz parity numpy mypkg.mybackend --dtype float64
  nnz parity c --level linear --level mlp --rounds 1000
  nnz parity torch --json -
  nnz parity --cmd build/mlp
  nnz parity --strict
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("backends", nargs="*", metavar="BACKEND", help=f"{', '.join(registry.names())} or any module; default: these 3")
    add("--dtype", action="append", metavar="NAME", help="float32 or float64; may be repeated; default: both")
    add("--strict", action="store_true", help="grade strict float32: every bit must be that of exact arithmetic")
    add("--level", action="append", metavar="NAME", help="a level of the table; may be repeated; default: all")
    add("--rounds", type=int, default=20, metavar="N", help="number of random shapes for each check; default: 20")
    add("--seed", type=_seed, default=2003, metavar="N", help="seed of the random shapes; default: 2003")
    add("--json", metavar="FILE", help="write the results as JSON to FILE; - is stdout, without the table")
    add("--xfails", metavar="FILE", help="a file with a line `level/check[dtype]  # reason` for each known failure")
    add("--cmd", metavar="PROGRAM", help="grade a program that speaks the protocol of docs/protocol.md")
    add("--in-process", action="store_true", help="grade in this process: quick to start, easy to debug or to cheat")
    add("--allow-borrowing", action="store_true", help="let a backend use those of nnz, or its oracle")
    add("--explain", action="store_true", help="print the kill matrix: which tolerance catches which bug")


def run(arguments: argparse.Namespace) -> None:
    """Grade and print. Raises Refusal if a check fails."""
    if arguments.explain:
        from ..reading.sources.places import Tree

        print(Tree().text("docs/kill-matrix.md"))
        return
    with refusing():
        from ..conformance import xfails

        if arguments.json not in (None, "-"):
            try_out(Path(arguments.json))
        known = xfails.read(arguments.xfails) if arguments.xfails else ()
        reports = []
        for report in _reports(arguments):
            reports.append(report)
            if arguments.json != "-":
                print(table_of(report, xfails.excused(known, report)), end="\n\n", flush=True)
        problems = [p for report in reports if (p := _unmet(report, xfails.excused(known, report)))]
        problems += [_borrowed(report) for report in reports if report.borrowed and not arguments.allow_borrowing]
        problems += xfails.complaints(known, reports)
        if arguments.json:
            _write_json(arguments.json, reports, known, problems)
    if problems:
        raise Refusal(f"parity failed: {'; '.join(problems)}")


def table_of(report: Report, excused: frozenset[str]) -> str:
    """The table of one report."""
    from ..conformance.report import table

    return table(report, excused)


def _reports(arguments: argparse.Namespace) -> Iterator[Report]:
    from ..conformance import grading
    from ..conformance.isolated.remote import IsolatedBackend

    dtypes = (*(arguments.dtype or ()), *((grading.STRICT,) if arguments.strict else ())) or grading.BOTH
    grading.selected(arguments.level, dtypes)  # refuse what is asked wrongly before any work
    for name in arguments.backends or (() if arguments.cmd is not None else registry.names()):
        try:
            how = arguments.level, dtypes, arguments.rounds, arguments.seed
            with nullcontext(name) if arguments.in_process else IsolatedBackend(name) as backend:
                yield grading.grade(backend, *how)
        except ImportError as error:
            yield grading.not_importable(name, str(error), arguments.level, dtypes)
    if arguments.cmd is not None:
        from ..conformance.program.grade import grade_program

        command = _words(arguments.cmd)
        yield grade_program(command, dtypes, arguments.rounds, arguments.seed, arguments.level)


def _words(command: str) -> list[str]:
    """The program and its arguments, as a shell would cut them. Raises UsageError."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--cmd {command!r} is not a command: {error}") from error
    if not words:
        raise UsageError("--cmd is empty; name a program, as in --cmd ./program")
    return words


def _unmet(report: Report, excused: frozenset[str]) -> str:
    """What the error says of a report with failures; empty for one without."""
    if report.met + len(excused) == report.asked and report.met > 0:
        return ""
    return f"{report.backend} {report.summary()}"


def _borrowed(report: Report) -> str:
    """What the error says of a report on a backend that let others compute."""
    return f"{report.backend} is borrowed: it used {', '.join(report.borrowed)} (--allow-borrowing lets it)"


def _write_json(target: str, reports: list[Report], known: tuple, problems: list[str]) -> None:
    from ..conformance.environment import environment

    content: dict[str, Any] = {
        "ok": not problems,
        "problems": problems,
        "xfails": {xfail.pattern: xfail.reason for xfail in known},
        "reports": [report.to_json() for report in reports],
        "environment": environment(),
    }
    if target == "-":
        sys.stdout.write(json.dumps(content, indent=1, allow_nan=False) + "\n")
    else:
        write_json(Path(target), content)


def _seed(word: str) -> int:
    if not word.isdecimal():
        raise argparse.ArgumentTypeError(f"{word!r} is not an integer of at least 0")
    return int(word)
