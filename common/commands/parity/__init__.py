"""Grade backends against the float64 oracle: points, what to mend first, and why.

The exit code is 0 only if every check passes that was asked for; what a backend does not have is "not there".
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from ...backend import registry
from ...files.atomic import check_writable
from ...files.errors import Refusal, UsageError, refusing
from ...recipes.settings import LARGEST_SEED
from ..flags import check, decimal, whole
from . import many, one
from .written import KEY_SIZE, write

EXAMPLES = """\
  nnz parity
  nnz parity my_backend --verbose
  nnz parity numpy mypkg.mybackend --dtype float64
  nnz parity c --level linear --level mlp --rounds 1000
  nnz parity students/*/ --csv grades.csv --json grades.json
  nnz parity --cmd build/mlp
  nnz parity --strict
"""
QUICK, THOROUGH = 1, 500  # rounds
MOST_PROBLEMS = 5  # that the error names
LONGEST = 100_000  # seconds
SEEDS = 10**6  # of which one is drawn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    kinds = f"{', '.join(registry.names())}, any module, or the path of a folder or file"
    add("backends", nargs="*", metavar="BACKEND", help=f"{kinds}; default: these 3")
    add("--verbose", action="store_true", help="print every tensor of every check as it is done")
    add("--dtype", action="append", metavar="NAME", help="float32 or float64; may be repeated; default: both")
    add("--strict", action="store_true", help="grade strict float32: every bit must be that of exact arithmetic")
    add("--level", action="append", metavar="NAME", help="a level of the table; may be repeated; default: all")
    add("--rounds", type=whole, default=20, metavar="N", help="number of random cases for each check; default: 20")
    add("--quick", action="store_const", dest="rounds", const=QUICK, help=f"--rounds {QUICK}: a first look")
    add("--thorough", action="store_const", dest="rounds", const=THOROUGH, help=f"--rounds {THOROUGH}: takes long")
    add(
        "--seed",
        type=whole,
        metavar="N",
        help="draw the cases that a grade with this seed had; default: others each time",
    )
    help = "seconds that a backend may take for one check, a program for one request; default: 60"
    add("--timeout", type=decimal, default=60.0, metavar="SECONDS", help=help)
    help = f"how many checks run at a time, or backends of a class; default: one a core, {one.MOST_JOBS} checks at most"
    add("--jobs", type=whole, metavar="N", help=help)
    add("--json", metavar="FILE", help="write the results as JSON to FILE; - is stdout, without the table")
    add("--csv", metavar="FILE", help="write a row for each backend to FILE, and print no more than a row")
    add("--xfails", metavar="FILE", help="a file with a line `level/check[dtype]  # reason` for each known failure")
    add("--cmd", metavar="PROGRAM", help="grade a program that speaks the protocol of docs/protocol.md")
    add("--in-process", action="store_true", help="grade in this process, without a time limit: to debug")
    add("--allow-borrowing", action="store_true", help="let a backend use those of nnz, or its oracle")
    add("--signed", type=int, help=argparse.SUPPRESS)  # a descriptor for the results; the key comes on stdin
    add("--explain", action="store_true", help="print the kill matrix: which tolerance catches which bug")


def run(arguments: argparse.Namespace) -> None:
    """Grade and print. Raises Refusal if a check fails."""
    if arguments.explain:
        from ...reading.sources.places import Tree

        print(Tree().text("docs/kill-matrix.md"))
        return
    key = b"" if arguments.signed is None else sys.stdin.buffer.read(KEY_SIZE)  # before the backend starts
    with refusing():
        for target in (None if arguments.json == "-" else arguments.json, arguments.csv):
            if target is not None:
                check_writable(Path(target))
        _check(arguments)
        is_drawn = arguments.seed is None
        if is_drawn:
            arguments.seed = secrets.randbelow(SEEDS)
        names = arguments.backends or (() if arguments.cmd is not None else registry.names())
        jobs = [*names, *(() if arguments.cmd is None else (None,))]
        how = one if len(jobs) == 1 or arguments.in_process else many
        reports, problems, known = how.grade(jobs, arguments)
        write(reports, problems, known, arguments, key)
        if is_drawn and arguments.json != "-" and not all(report["error"] for report in reports):
            print(f"The cases were drawn with --seed {arguments.seed}.")
    if problems:
        more = f"; and {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
        raise Refusal(f"parity failed: {'; '.join(problems[:MOST_PROBLEMS])}{more}")


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what is asked wrongly before any work."""
    from ...conformance import grading, xfails

    grading.selected(arguments.level, one.dtypes(arguments))
    check("--rounds", arguments.rounds, 1)
    if arguments.jobs is not None:
        check("--jobs", arguments.jobs, 1)
        if arguments.in_process:
            raise UsageError("--jobs is for processes; leave it out, or --in-process")
    check("--seed", arguments.seed, 0, LARGEST_SEED)
    if not 0 < arguments.timeout <= LONGEST:
        raise UsageError(f"--timeout is {arguments.timeout:g}; it must be above 0 and at most {LONGEST}")
    if arguments.json and arguments.csv and os.path.realpath(arguments.json) == os.path.realpath(arguments.csv):
        raise UsageError(f"--json and --csv are both {arguments.csv}; name two files")
    if arguments.xfails:
        xfails.read(arguments.xfails)
    if arguments.cmd is not None:
        one.words(arguments.cmd)
