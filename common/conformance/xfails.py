"""Failures that are known and explained: lines of `level/check[dtype]  # the reason`, where `*` is anything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nnz.files.errors import UsageError

from .report import Report


@dataclass(frozen=True)
class Xfail:
    """One line of the file."""

    pattern: str
    reason: str

    def matches(self, name: str) -> bool:
        """Whether the result of this name is meant."""
        return re.fullmatch(".*".join(map(re.escape, self.pattern.split("*"))), name) is not None


def read(path: str | Path) -> tuple[Xfail, ...]:
    """The xfails of a file; empty lines and lines of comment count for nothing.

    Raises UsageError for a line without a reason, OSError for a file that cannot be read.
    """
    xfails = []
    text = Path(path).read_bytes().decode("utf-8", errors="replace")  # a pattern that is not text matches nothing
    for number, line in enumerate(text.splitlines(), start=1):
        pattern, _, reason = (part.strip() for part in line.partition("#"))
        if pattern and not reason:
            raise UsageError(f"{path}, line {number}: {pattern!r} needs a reason after a #")
        if pattern:
            xfails.append(Xfail(pattern, reason))
    return tuple(xfails)


def excused(xfails: Iterable[Xfail], report: Report) -> frozenset[str]:
    """The names of the results that failed, or are not there, as expected."""
    return frozenset(r.name for r in report.results if not r.passed and any(x.matches(r.name) for x in xfails))


def complaints(xfails: Iterable[Xfail], reports: Iterable[Report]) -> list[str]:
    """What is wrong with the xfails themselves: one that matches nothing, one whose check passes."""
    found = []
    results = [(report.backend, r) for report in reports for r in report.results]
    for xfail in xfails:
        meant = [(backend, r) for backend, r in results if xfail.matches(r.name)]
        if not meant:
            found.append(f"the xfail {xfail.pattern!r} matches no check")
        found += [f"{backend} {r.name} passes, though an xfail says otherwise" for backend, r in meant if r.passed]
    return found
