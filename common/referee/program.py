"""A port that is run: what it prints, and how it ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..conformance.program import process
from ..files.errors import UsageError, one_line
from . import log

PAUSE = 0.5  # seconds between two readings of what it has printed
LONGEST = 200  # characters of its last words
TAIL = 2**16  # bytes among which they are
ERROR = re.compile(r"(?i)error|exception|panic|fatal|abort|fault|assert")


@dataclass(frozen=True)
class Port:
    """What a port printed, the losses in it, and what went wrong with the program; empty if nothing did."""

    text: str
    lines: Sequence[log.Line]
    problem: str


def run(words: Sequence[str], steps: int, timeout: float, pattern: str | None, show: Callable[[int], object]) -> Port:
    """Run a port until it ends, or so many seconds have passed, or it has printed the steps that are asked for.

    `show` is called with the number of losses so far. Raises UsageError for a program that cannot be started or prints
    no losses.
    """
    looked, is_done = time.monotonic(), False

    def has_enough(*streams: bytes) -> bool:
        nonlocal looked, is_done
        if time.monotonic() - looked < PAUSE:
            return False
        whole = [printed.replace(b"\r", b"\n").rpartition(b"\n")[0] for printed in streams]  # the last line may go on
        lines = max((_lines(printed, pattern) for printed in whole), key=len)
        show(len(lines))
        is_done = steps < log.STEPS and _has_reached(lines, steps)
        looked = time.monotonic()
        return is_done

    try:
        ended = process.watch(words, timeout, has_enough)
    except OSError as error:
        raise UsageError(
            f"--cmd {words[0]!r} cannot be started: {error.strerror}; check its name and its path"
        ) from None
    stderr = _without_errors(ended.stderr) if ended.code else ended.stderr
    printed, lines = max(((one, _lines(one, pattern)) for one in (ended.stdout, stderr)), key=lambda one: len(one[1]))
    problem = "" if is_done else _problem(ended)
    if not lines:
        why = problem or ("it prints nothing" if not ended.stdout.strip() else _unread(ended.stdout, pattern))
        raise UsageError(f"no losses to grade: {_with_words(why, ended.stderr)}")
    if ended.code and problem:
        problem = _with_words(problem, ended.stderr)
    return Port(printed.decode(errors="replace"), lines, problem)


def _without_errors(printed: bytes) -> bytes:
    """Without the lines that name an error: "ValueError: loss 3.2 at step 5" is none of its losses."""
    return b"\n".join(line for line in printed.split(b"\n") if not ERROR.search(line.decode(errors="replace")))


def _last_words(printed: bytes) -> str:
    """The line that says why a program died: the last that names an error, else the last of all."""
    lines = [line for line in printed[-TAIL:].decode(errors="replace").splitlines() if line.strip()]
    named = [line for line in lines if ERROR.search(line) and not line.startswith((" ", "\t"))]
    return one_line((named or lines or [""])[-1])[:LONGEST]


def _has_reached(lines: Sequence[log.Line], steps: int) -> bool:
    numbers = [line.step for line in lines]
    if not numbers or numbers[0] is None:
        return len(numbers) >= steps
    return max(numbers) >= steps - (0 in numbers)


def _problem(ended: process.Watched) -> str:
    """How it ended, if not well."""
    if ended.stopped:
        return f"the program {ended.stopped}"
    if ended.code < 0:
        return f"the program ended with signal {-ended.code}"
    return f"the program ended with exit code {ended.code}" if ended.code else ""


def _with_words(problem: str, printed: bytes) -> str:
    said = _last_words(printed)
    return f"{problem}; its last words: {said}" if said else problem


def of_text(content: bytes, source: str, pattern: str | None) -> Port:
    """A log that was written. Raises UsageError for one without losses, or that is no text."""
    lines = _lines(content, pattern)
    if not lines:
        raise UsageError(f"no losses to grade in {source}: {_unread(content, pattern)}")
    return Port(content.decode(errors="replace"), lines, "")


def _lines(printed: bytes, pattern: str | None) -> list[log.Line]:
    """The losses in what was printed; none if it is no text."""
    return log.read(printed.decode(errors="replace"), pattern) if _is_text(printed) else []


def _is_text(printed: bytes) -> bool:
    return b"\0" not in printed and printed.decode(errors="replace").count("\ufffd") <= len(printed) // 100


def _unread(content: bytes, pattern: str | None) -> str:
    """Why there are no losses in what was printed."""
    if not content.strip():
        return "it is empty"
    if not _is_text(content):
        return "it is not text"
    if pattern is not None:
        return "--pattern finds none"
    return "no line has a form that is known, as step 1 / 1000 | loss 3.3660; give --pattern"
