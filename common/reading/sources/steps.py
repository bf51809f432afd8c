"""What a few lines of a source do, in the words of the spec.

A step is what the lines between two assignments come to: the symbols it gives, and the symbols it is made of. Both are
read off the source itself; a name that the spec does not know is replaced by what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

HEAD, END = "head", "end"  # the signature; what closes a function


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
