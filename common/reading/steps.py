"""What a few lines of a source do, in the words of the spec, and which lines of three sources do the same.

A step is what the lines between two assignments come to: the symbols it gives, and the symbols it is made of. Both are
read off the source itself; a name that the spec does not know is replaced by what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

HEAD, CALL, END = "head", "call", "end"  # the signature; a helper's signature; what closes a function
GAP = -0.01  # of two equal ways to lay the columns beside each other, the one that leaves fewer places empty


@dataclass(frozen=True)
class Step:
    """Some lines of a source, by number: the symbols that they give and take. `role` marks what does no work."""

    lines: tuple[int, ...]
    gives: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    role: str = ""
    writes: frozenset[str] = frozenset()  # every name that is assigned to, of the spec or not

    def then(self, other: Step) -> Step:
        """Both as one."""
        takes = self.takes | (other.takes - self.gives)
        return Step(self.lines + other.lines, self.gives | other.gives, takes, self.role, self.writes | other.writes)


@dataclass
class Meanings:
    """What each name of a source stands for, as it is read from top to bottom."""

    symbols: frozenset[str]  # of the spec
    outputs: frozenset[str]  # those that the function gives
    aliases: dict[str, str] = field(default_factory=dict)  # a name of the source -> the symbol it is another name of
    locals: dict[str, frozenset[str]] = field(default_factory=dict)  # a name -> the symbols it was made of

    def named(self, names: Iterable[str]) -> frozenset[str]:
        """The symbols among the names; one that is no symbol gives none."""
        return frozenset(s for name in names if (s := self.aliases.get(name, name)) in self.symbols)

    def made_of(self, names: Iterable[str]) -> frozenset[str]:
        """The symbols among the names, and for every other name those that it was made of."""
        names = list(names)
        inside = [
            self.locals.get(name, frozenset()) for name in names if self.aliases.get(name, name) not in self.symbols
        ]
        return self.named(names).union(*inside)

    def assign(self, targets: Iterable[str], names: Iterable[str], lines: tuple[int, ...] = ()) -> Step:
        """Remember an assignment; return it as a step."""
        targets, takes = list(targets), self.made_of(names)
        for target in targets:
            if self.aliases.get(target, target) not in self.symbols:
                self.locals[target] = self.locals.get(target, frozenset()) | takes
        return Step(lines, self.named(targets) & self.outputs, takes, writes=frozenset(targets))


def gathered(steps: Iterable[Step]) -> list[Step]:
    """Steps that follow each other and write the same are one: y = x w^T, y += b."""
    found: list[Step] = []
    for step in steps:
        before = found[-1] if found else None
        if before and not (before.role or step.role) and step.writes and before.writes == step.writes:
            found[-1] = before.then(step)
        else:
            found.append(step)
    return found


def likeness(a: Step, b: Step) -> float:
    """How much two steps do the same: 0 for nothing in common, 3 for the same symbols out of the same symbols."""
    if a.role != b.role:
        return 0.0
    if a.role:
        return 0.0 if a.role == CALL else 3.0
    if a.gives and b.gives:
        return 2 * _overlap(a.gives, b.gives) + _overlap(a.takes, b.takes) if a.gives & b.gives else 0.0
    if a.gives or b.gives:
        return 0.5 * _overlap(a.takes, b.takes)
    return _overlap(a.takes, b.takes) + _overlap(a.writes, b.writes)


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


Row = dict[str, Step]  # column -> the step that stands there


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
