"""Two texts beside each other, in columns of which two fit a terminal of 80."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

WIDTH = 36  # of a column; wide characters count as two
MOST = 8  # lines of a pair: what an untrained model says may be long


def beside(left: str, right: str) -> list[str]:
    """The lines of both, the right one broken at spaces and as high as it needs, the left one cut to that height."""
    right_lines = list(_lines(right))
    height = min(len(right_lines), MOST)
    columns = (_cut(list(_lines(left)), height), _cut(right_lines, height))
    return [f"{a}{' ' * (WIDTH - width(a))} | {b}".rstrip() for a, b in zip(*columns, strict=True)]


def width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return sum(map(_cells, text))


def _lines(text: str) -> Iterator[str]:
    """At least one, none wider than a column; a line end is a space, and a word that is too long is broken."""
    rest = " ".join(text.split("\n"))
    while width(rest) > WIDTH:
        most = next(n for n in range(len(rest), 0, -1) if width(rest[:n]) <= WIDTH)
        end = rest.rfind(" ", 1, most + 1)
        end = most if end < 0 else end
        yield rest[:end]
        rest = rest[end:].removeprefix(" ")
    yield rest


def _cut(lines: list[str], height: int) -> list[str]:
    """So many lines: filled up with empty ones, or the last one ending in a sign that there was more."""
    if len(lines) <= height:
        return lines + [""] * (height - len(lines))
    last = lines[height - 1]
    while width(last) > WIDTH - 1:
        last = last[:-1]
    return [*lines[: height - 1], f"{last}…"]


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
