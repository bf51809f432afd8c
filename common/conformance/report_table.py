"""A report for people: a line per tensor, and what is wrong under it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from .bounds.compare import Measurement
from .levels import STRICT
from .report import Report, Result
from .strict.bits import Agreement

COLUMNS = "{level:<24} {check:<28} {dtype:<8} {tensor:<20} {error:>9} {proof:>8} {vice:>8}  {outcome}"
HEADER = COLUMNS.format(
    level="level",
    check="check",
    dtype="dtype",
    tensor="tensor",
    error="error, u",
    proof="of T1",
    vice="of T2",
    outcome="outcome",
)


STRICT_COLUMNS = "{level:<24} {check:<28} {dtype:<8} {tensor:<20} {compared:>9} {wrong:>8}  {outcome}"
STRICT_HEADER = STRICT_COLUMNS.format(
    level="level", check="check", dtype="dtype", tensor="tensor", compared="compared", wrong="wrong", outcome="outcome"
)


def table(report: Report, excused: Collection[str] = ()) -> str:
    """All results of one backend: per tensor the largest error in u of its largest entry, and as a share of T1 and T2.

    In strict float32 how many numbers were compared, and how many of them were wrong. Results named in `excused` are
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
    head = {"level": result.level, "check": result.check, "dtype": result.dtype, "outcome": outcome}
    columns, figures = (STRICT_COLUMNS, _counts) if result.dtype == STRICT else (COLUMNS, _figures)
    for m in result.measurements or (None,):
        yield columns.format(**head, **figures(m)).rstrip()
    for remark in (result.reason, result.note):
        if remark:
            yield f"    {remark}"


def _figures(m: Measurement | None) -> dict[str, str]:
    if m is None:
        return dict.fromkeys(("tensor", "error", "proof", "vice"), "-")
    return {
        "tensor": m.name,
        "error": _number(m.u_of_largest),
        "proof": _share(m.share_of_bound),
        "vice": _share(m.t2_share),
    }


def _counts(m: Agreement | None) -> dict[str, str]:
    if m is None:
        return dict.fromkeys(("tensor", "compared", "wrong"), "-")
    return {"tensor": m.name, "compared": f"{m.compared:,}", "wrong": f"{m.wrong:,}"}


def _number(x: float) -> str:
    return f"{x:.2f}" if abs(x) < 1e5 else f"{x:.1e}"  # inf becomes inf


def _share(x: float) -> str:
    return "-" if math.isnan(x) else f"{100 * x:.2f}%" if x < 1e3 else f"{100 * x:.1e}%"
