"""Known failures: a file with lines of `level/check[dtype]  # the reason`, where `*` matches anything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nnz.files import inputs
from nnz.files.errors import UsageError, quoted

from .report import Report


@dataclass(frozen=True)
class Xfail:
    """One line of the file."""

    pattern: str
    reason: str

    def matches(self, name: str) -> bool:
        """Whether the pattern matches the name of a result."""
        return re.fullmatch(".*".join(map(re.escape, self.pattern.split("*"))), name) is not None


def read(path: str | Path) -> tuple[Xfail, ...]:
    """The xfails of a file; empty lines and comment lines are ignored.

    Raises UsageError for a line without a reason, OSError for a file that cannot be read.
    """
    xfails = []
    data = inputs.read_bytes(path, inputs.RECIPE)
    text = data.decode("utf-8", errors="replace")  # bytes that are not text match nothing
    for number, line in enumerate(text.splitlines(), start=1):
        pattern, _, reason = (part.strip() for part in line.partition("#"))
        if pattern and not reason:
            raise UsageError(f"{path}, line {number}: {quoted(pattern)} needs a reason after a #")
        if pattern:
            xfails.append(Xfail(pattern, reason))
    return tuple(xfails)


def excused(xfails: Iterable[Xfail], report: Report) -> frozenset[str]:
    """The names of the results that failed, or are not there, as the xfails say."""
    return frozenset(r.name for r in report.results if not r.passed and any(x.matches(r.name) for x in xfails))


def complaints(xfails: Iterable[Xfail], reports: Iterable[Report]) -> list[str]:
    """What is wrong with the xfails: one matches nothing, or its check passes."""
    found = []
    results = [(report.backend, r) for report in reports for r in report.results]
    for xfail in xfails:
        matched = [(backend, r) for backend, r in results if xfail.matches(r.name)]
        if not matched:
            found.append(f"the xfail {quoted(xfail.pattern)} matches no check")
        found += [f"{backend} {r.name} passes, though an xfail says otherwise" for backend, r in matched if r.passed]
    return found
