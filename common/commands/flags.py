"""The numbers of a command's flags: how they are written, and which are allowed."""

from __future__ import annotations

import argparse

from ..backend.limits import MOST_THREADS
from ..files.errors import quoted
from ..recipes.settings import DECIMAL, WHOLE, integer, read


def whole(word: str) -> int:
    """The type of a flag that takes an integer."""
    if not WHOLE.fullmatch(word):
        raise argparse.ArgumentTypeError(f"{quoted(word)} is not an integer")
    return int(word)


def decimal(word: str) -> float:
    """The type of a flag that takes a number."""
    if not DECIMAL.fullmatch(word):
        raise argparse.ArgumentTypeError(f"{quoted(word)} is not a number")
    return float(word)


def check(flag: str, value: int | None, minimum: int, maximum: int | None = None) -> None:
    """Raises UsageError for an integer that is not allowed; a flag that was not given is."""
    if value is not None:
        read(flag, integer(minimum) if maximum is None else integer(minimum, maximum), value)


def check_threads(value: int | None) -> None:
    """The same for --threads."""
    check("--threads", value, 1, MOST_THREADS)
