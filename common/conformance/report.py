"""The result of a grading, as JSON for programs and as a table for people."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from .bounds.compare import Measurement
from .levels import STRICT
from .strict.bitwise import BitComparison

PASSED, FAILED, NOT_THERE = "passed", "failed", "not there"

COLUMNS = "{:<24} {:<28} {:<8} {:<20} {:>9} {:>8} {:>8}  {}"
STRICT_COLUMNS = "{:<24} {:<28} {:<8} {:<20} {:>9} {:>8}  {}"
HEADER = COLUMNS.format("level", "check", "dtype", "tensor", "error, u", "of T1", "of T2", "outcome")
STRICT_HEADER = STRICT_COLUMNS.format("level", "check", "dtype", "tensor", "compared", "wrong", "outcome")


@dataclass(frozen=True)
class Result:
    """One check in one dtype; the measurements have the largest figures of each tensor."""

    level: str
    check: str
    dtype: str
    outcome: str  # PASSED, FAILED or NOT_THERE
    reason: str
    measurements: tuple[Measurement, ...]
    note: str = ""  # why the result may mislead: a level that it builds on failed, or code of another backend ran

    @property
    def name(self) -> str:
        """As an xfail file names it: level/check[dtype]."""
        return f"{self.level}/{self.check}[{self.dtype}]"

    @property
    def passed(self) -> bool:
        return self.outcome == PASSED


@dataclass(frozen=True)
class Report:
    """All results of one backend. `origin` says which files ran, `borrowed` whose code else."""

    backend: str
    results: tuple[Result, ...]
    origin: dict[str, Any] = field(default_factory=dict)
    borrowed: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Result, ...]:
        """What is there and wrong."""
        return tuple(r for r in self.results if r.outcome == FAILED)

    @property
    def missing(self) -> tuple[Result, ...]:
        """What is not there."""
        return tuple(r for r in self.results if r.outcome == NOT_THERE)

    @property
    def met(self) -> int:
        return sum(r.passed for r in self.results)

    @property
    def asked(self) -> int:
        return len(self.results)

    @property
    def ok(self) -> bool:
        """Everything that was asked is met, and something was asked."""
        return self.met == self.asked and self.asked > 0

    def summary(self) -> str:
        """As "41 of 47"."""
        return f"{self.met} of {self.asked}"

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers; a figure that is infinite or NaN is null."""
        results = [{"name": r.name, **asdict(r)} for r in self.results]
        head = {"backend": self.backend, "summary": self.summary(), "met": self.met, "asked": self.asked, "ok": self.ok}
        return _plain({**head, "origin": self.origin, "borrowed": self.borrowed, "results": results})


def table(report: Report, excused: Collection[str] = ()) -> str:
    """A line for each tensor: its largest error in u of its largest entry, and as a share of T1 and of T2.

    In strict float32: how many numbers were compared, and how many of them were wrong. Results named in `excused` are
    marked as expected. The last line is "backend: n of m".
    """
    lines = [f"{report.backend} ({report.origin.get('module') or report.origin.get('program', 'not there')})"]
    for header, strict in ((HEADER, False), (STRICT_HEADER, True)):
        results = [result for result in report.results if (result.dtype == STRICT) is strict]
        lines += [header] if results else []
        for result in results:
            lines += _rows(result, result.name in excused)
    last = f"{report.backend}: {report.summary()}"
    if excused:
        last += f", {sum(r.name in excused for r in report.results)} expected failures"
    return "\n".join([*lines, last])


def _rows(result: Result, expected: bool) -> Iterator[str]:
    outcome = f"{result.outcome}, as expected" if expected else result.outcome
    columns, figures, count = (STRICT_COLUMNS, _counts, 3) if result.dtype == STRICT else (COLUMNS, _figures, 4)
    for m in result.measurements or (None,):
        cells = figures(m) if m is not None else ("-",) * count
        yield columns.format(result.level, result.check, result.dtype, *cells, outcome).rstrip()
    for remark in (result.reason, result.note):
        if remark:
            yield f"    {remark}"


def _figures(m: Measurement) -> tuple[str, ...]:
    return m.name, _number(m.u_of_largest), _share(m.share_of_bound), _share(m.t2_share)


def _counts(m: BitComparison) -> tuple[str, ...]:
    return m.name, f"{m.compared:,}", f"{m.wrong:,}"


def _number(x: float) -> str:
    return f"{x:.2f}" if abs(x) < 1e5 else f"{x:.1e}"  # inf becomes inf


def _share(x: float) -> str:
    return "-" if math.isnan(x) else f"{100 * x:.2f}%" if x < 1e3 else f"{100 * x:.1e}%"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
