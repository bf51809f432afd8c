"""Which steps of three sources do the same, and in which rows they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .steps import Step

GAP = -0.01  # of two equal ways to lay the columns beside each other, the one that leaves fewer places empty

Row = dict[str, Step]  # column -> the step that stands there


def likeness(a: Step, b: Step) -> float:
    """How much two steps do the same: 0 for nothing in common, 3 for the same symbols out of the same symbols."""
    if a.role != b.role:
        return 0.0
    if a.role:
        return 3.0
    if a.gives and b.gives:
        return 2 * _overlap(a.gives, b.gives) + _overlap(a.takes, b.takes) if a.gives & b.gives else 0.0
    if a.gives or b.gives:
        return 0.5 * _overlap(a.takes, b.takes)
    return _overlap(a.takes, b.takes) + _overlap(a.writes, b.writes)


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


def aligned(columns: Mapping[str, Sequence[Step]]) -> list[Row]:
    """Rows in which steps that do the same stand side by side, each column in its own order (Needleman, Wunsch 1970).

    One column after the other is laid beside those before it.
    """
    rows: list[Row] = []
    for name, steps in columns.items():
        rows = [(row or {}) | ({name: step} if step else {}) for row, step in _laid_beside(rows, steps)]
    return _closed_up(rows)


def _closed_up(rows: Iterable[Row]) -> list[Row]:
    """Steps of one column that follow each other with nothing beside them become one."""
    closed: list[Row] = []
    for row in rows:
        before = closed[-1] if closed else {}
        if len(row) == 1 and row.keys() == before.keys():
            ((name, a),), (b,) = before.items(), row.values()
            if not (a.role or b.role):
                closed[-1] = {name: a.then(b)}
                continue
        closed.append(row)
    return closed


def _laid_beside(rows: Sequence[Row], steps: Sequence[Step]) -> list[tuple[Row | None, Step | None]]:
    def score(row: Row, step: Step) -> float:
        return sum(likeness(other, step) for other in row.values())

    best: dict[tuple[int, int], tuple[float, str]] = {(0, 0): (0.0, "")}
    for i in range(len(rows) + 1):
        for j in range(len(steps) + 1):
            ways = []  # of equal ones the first: so that a step that would fit several rows stands at the top one
            if i:
                ways.append((best[i - 1, j][0] + GAP, "row"))
            if j:
                ways.append((best[i, j - 1][0] + GAP, "step"))
            if i and j and (s := score(rows[i - 1], steps[j - 1])) > 0:
                ways.append((best[i - 1, j - 1][0] + s, "both"))
            if ways:
                best[i, j] = max(ways, key=lambda way: way[0])
    i, j, pairs = len(rows), len(steps), []
    while i or j:
        way = best[i, j][1]
        pairs.append((rows[i - 1] if way != "step" else None, steps[j - 1] if way != "row" else None))
        i, j = i - (way != "step"), j - (way != "row")
    return pairs[::-1]


def places(rows: Sequence[Row]) -> list[int]:
    """The number of the place of each row: rows that only prepare, each in other columns, share one to save room."""
    numbers: list[int] = []
    taken: set[str] = set()
    for row in rows:
        prepares = not any(step.gives or step.role for step in row.values())
        if prepares and taken and not taken & row.keys():
            numbers.append(numbers[-1])
            taken |= row.keys()
        else:
            numbers.append((numbers or [0])[-1] + 1)
            taken = set(row) if prepares else set()
    return numbers


def counterparts(rows: Sequence[Row], column: str, step: Step) -> dict[str, list[Step]]:
    """In every other column the steps that do the same: the one of its row, and those that give the same symbols.

    Of the latter only such as have nothing of their own beside them, where the row has a step already.
    """
    beside = next(row for row in rows if row.get(column) is step)
    found: dict[str, list[Step]] = {}
    for name in {name: None for row in rows for name in row if name != column}:
        alike = [row for row in rows if name in row and row is not beside and row[name].gives & step.gives]
        if name in beside:
            alike = [beside, *(row for row in alike if column not in row)]
        found[name] = [row[name] for row in alike]
    return found
