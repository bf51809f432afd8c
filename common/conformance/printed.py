"""A report as text. The first five lines: points, how they lie over the levels, what to mend first, why, and where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from .bounds.compare import Measurement
from .bounds.in_words import in_words
from .levels import STRICT
from .report import FAILED, NOT_THERE, Report, Result
from .strict.bitwise import BitComparison

COLUMNS = "{:<20} {:<28} {:<8} {:<20} {:>9} {:>8} {:>8}  {}"
STRICT_COLUMNS = "{:<20} {:<28} {:<8} {:<20} {:>9} {:>8}  {}"
HEADER = COLUMNS.format("level", "check", "dtype", "tensor", "error, u", "of T1", "of T2", "outcome")
STRICT_HEADER = STRICT_COLUMNS.format("level", "check", "dtype", "tensor", "compared", "wrong", "outcome")
HEIGHTS, NOTHING = "▁▂▃▄▅▆▇█", "·"  # of a bar: the share of the points of a level
FULL, EMPTY, LENGTH = "█", "░", 8
NONE: frozenset[str] = frozenset()


def summary(report: Report, excused: frozenset[str] = NONE) -> str:
    """The first five lines, or two where there is nothing to mend. Results named in `excused` are expected failures."""
    what = report.origin.get("module") or report.origin.get("program") or "it cannot be imported"
    file = f", {report.origin['file']}" if report.origin.get("file") else ""
    first = f"{report.backend}: {report.summary()}"
    if excused:
        first += f", {sum(r.name in excused for r in report.results)} expected failures"
    if report.few_shapes:
        first += ', of few shapes (SHAPES = "few")'
    if report.skipped:
        first += f", {' and '.join(report.skipped)} skipped"
    lines = [f"{first}  ({what}{file})", f"by level    {bar(report.points)}  {_ends(report)}"]
    if report.error:
        return "\n".join([*lines, "mend first  the import", f"why         {report.error}", _where(report.error_where)])
    mend = report.first_to_mend(excused)
    if mend is not None:
        verb = "write next " if mend.outcome == NOT_THERE else "mend first "
        lines.append(f"{verb} {mend.level}: {mend.check}, {mend.dtype}")
        lines.append(f"why         {mend.reason}{f'; likely cause: {mend.cause}' if mend.cause else ''}")
        lines.append(_where(mend.where))
    return "\n".join(lines)


def levels(report: Report, excused: frozenset[str] = NONE) -> str:
    """A line for each level: its points, and what else there is to say."""
    if report.error:
        return ""
    width = max(map(len, report.points), default=0)
    lines = []
    for level, (met, asked) in report.points.items():
        remark = _remark([r for r in report.results if r.level == level], excused)
        full = max(LENGTH * met // asked, min(met, 1))
        lines.append(
            f"{level:<{width}}  {met:>2} of {asked:<2} {FULL * full}{EMPTY * (LENGTH - full)}  {remark}".rstrip()
        )
    return "\n".join(lines)


def bar(points: Mapping[str, Sequence[int]]) -> str:
    """One character a level, whose (met, asked) `points` has: how high it is tells the share that is met."""
    shares = (met / asked for met, asked in points.values())
    return "".join(HEIGHTS[math.ceil(len(HEIGHTS) * share) - 1] if share else NOTHING for share in shares)


def details(result: Result, excused: frozenset[str] = NONE) -> Iterator[str]:
    """A line for each tensor: of a failure only those outside their bounds.

    Its largest error in u of its largest entry, and as a share of T1 and of T2; in strict float32, how many numbers
    were compared, and how many of them were wrong.
    """
    outcome = f"{result.outcome}, as expected" if result.name in excused else result.outcome
    strict = result.dtype == STRICT
    columns, figures, count = (STRICT_COLUMNS, _counts, 3) if strict else (COLUMNS, _figures, 4)
    shown = [m for m in result.measurements if result.outcome != FAILED or not m.ok]
    for m in shown or (None,):
        cells = figures(m) if m is not None else ("-",) * count
        yield columns.format(result.level, result.check, result.dtype, *cells, outcome).rstrip()
        if m is not None and not m.ok:
            yield f"    {in_words(m)}"
    if not shown and result.reason:
        yield f"    {result.reason}"
    yield from (f"    {remark}" for remark in (_fails_because(result), result.note) if remark)


def header(result: Result) -> str:
    """What the columns of `details` mean."""
    return STRICT_HEADER if result.dtype == STRICT else HEADER


def _remark(results: Sequence[Result], excused: frozenset[str]) -> str:
    """What the line of a level says next to its points."""
    failed = [r for r in results if r.outcome == FAILED and r.name not in excused]
    news = list(dict.fromkeys(r.check for r in failed if not r.because))
    causes = list(dict.fromkeys(r.because for r in failed if r.because))
    missing = [r for r in results if r.outcome == NOT_THERE and r.name not in excused]
    remarks = [f"wrong: {', '.join(news)}"] if news else []
    remarks += [f"fails because {' and '.join(causes)} fails"] if causes and not news else []
    if missing:
        some = f": {', '.join(dict.fromkeys(r.check for r in missing))}" if len(missing) < len(results) else ""
        remarks.append(f"not there{some}")
    if all(r.passed for r in results):
        measured = [m for r in results for m in r.measurements]
        compared = sum(m.compared for m in measured if isinstance(m, BitComparison))
        shares = [m.share_of_bound for m in measured if isinstance(m, Measurement) and not math.isnan(m.t2_share)]
        remarks = [f"rounding errors up to {max(100 * max(shares), 1):.0f}% of what is allowed"] if shares else []
        return "; ".join(remarks + ([f"{compared:,} numbers, right in every bit"] if compared else []))
    expected = sum(r.name in excused for r in results)
    remarks += [f"{expected} as expected"] if expected else []
    return "; ".join(remarks)


def _fails_because(result: Result) -> str:
    return f"fails because {result.because} fails" if result.because else ""


def _where(place: str) -> str:
    return f"where       {place or 'source not found'}"


def _ends(report: Report) -> str:
    """Which level the first and the last character of the bar is."""
    names = list(report.points)
    return f"{names[0]} to {names[-1]}" if len(names) > 1 else "".join(names)


def _figures(m: Measurement) -> tuple[str, ...]:
    return m.name, _number(m.u_of_largest), _share(m.share_of_bound), _share(m.t2_share)


def _counts(m: BitComparison) -> tuple[str, ...]:
    return m.name, f"{m.compared:,}", f"{m.wrong:,}"


def _number(x: float) -> str:
    return f"{x:.2f}" if abs(x) < 1e5 else f"{x:.1e}"  # inf becomes inf


def _share(x: float) -> str:
    return "-" if math.isnan(x) else f"{100 * x:.2f}%" if x < 1e3 else f"{100 * x:.1e}%"
