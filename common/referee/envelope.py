"""How far honest float32 losses are from those of float64, step by step: measured, not chosen.

Each of HONEST is microgpt in float32, with other orders of sums, fused or not, other forms of Adam and of the loss. The
envelope is the widest deviation of any of them up to that step. That of makemore's names is in envelope.csv, which
`python -m tools.microgpt_envelope` writes; there the backends of nnz are among the programs. Of other names it is
measured when it is asked for.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from .start import Names
from .sums import PRODUCTS
from .training import Training
from .variant import REFERENCE, Variant

FILE = Path(__file__).with_name("envelope.csv")
PLAIN = replace(REFERENCE, dtype="float32")
FORMS = itertools.cycle(("as written", "apart", "folded", "apart", "folded", "as written", "folded"))  # of Adam
HONEST = {
    f"{sums}, channels {channels}, Adam {moments}, logarithms {logarithms}": replace(
        PLAIN, sums=sums, channels=channels, moments=moments, logarithms=logarithms
    )
    for (sums, channels, logarithms), moments in zip(
        itertools.product(PRODUCTS, ("as drawn", "backward", "mixed"), ("of sums", "of probabilities")),
        FORMS,
        strict=False,
    )
}


@dataclass(frozen=True)
class Row:
    """Up to a step, counted from 1: the widest deviation, whose it is, and that of PLAIN alone."""

    step: int
    widest: float
    plain: float
    by: str


class Envelope:
    """By step, counted from 1, the row that holds there; of names that are not makemore's it is measured."""

    def __init__(self, names: Names) -> None:
        self._rows: list[Row] = []
        self._measured = iter(()) if _is_shipped(names) else measured(names, HONEST)
        self._shipped = shipped() if _is_shipped(names) else []

    def at(self, step: int) -> Row:
        """Raises ValueError for a step that no training has."""
        if self._shipped:
            return next(row for row in reversed(self._shipped) if row.step <= step)
        self._rows += itertools.islice(self._measured, max(0, step - len(self._rows)))
        return self._rows[step - 1]


def measured(
    names: Names, variants: Mapping[str, Variant], others: Mapping[str, Sequence[float]] | None = None
) -> Iterator[Row]:
    """A row for each step; `others` are losses that other programs had."""
    exact = Training(names, REFERENCE).losses()
    runs = {name: Training(names, variant).losses() for name, variant in variants.items()}
    runs |= {name: iter(losses) for name, losses in (others or {}).items()}
    plain, widest, by = Training(names, PLAIN).losses(), 0.0, ""
    largest = 0.0
    for step, loss in enumerate(exact, 1):
        off = {name: abs(next(run) - loss) for name, run in runs.items()}
        largest = max(largest, abs(next(plain) - loss))
        furthest = max(off, key=off.__getitem__)
        if off[furthest] > widest:
            widest, by = off[furthest], furthest
        yield Row(step, widest, largest, by)


def write(path: Path, names: Names, rows: Sequence[Row]) -> None:
    """The rows in which a deviation is new."""
    new = [*rows[:1], *(row for before, row in itertools.pairwise(rows) if _figures(before) != _figures(row))]
    lines = [f"names,{digest(names)},,", "step,widest,plain,by"]
    lines += [f'{row.step},{row.widest!r},{row.plain!r},"{row.by}"' for row in new]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@cache
def shipped() -> list[Row]:
    """What envelope.csv has."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = [*csv.reader(file)][2:]
    return [Row(int(step), float(widest), float(plain), by) for step, widest, plain, by in rows]


def digest(names: Names) -> str:
    """SHA-256 of the names, one a line."""
    return hashlib.sha256("\n".join(names.lines).encode()).hexdigest()


def _is_shipped(names: Names) -> bool:
    with FILE.open(encoding="utf-8") as file:
        return file.readline().split(",")[1] == digest(names)


def _figures(row: Row) -> tuple[float, float]:
    return row.widest, row.plain
