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
        for printed in streams:
            whole, _, _ = printed.replace(b"\r", b"\n").rpartition(b"\n")  # the last line may go on
            if lines := log.read(whole.decode(errors="replace"), pattern):
                break
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
    for printed in (ended.stdout, ended.stderr):
        text = printed.decode(errors="replace")
        lines = log.read(text, pattern)
        if lines:
            break
    problem = "" if is_done else _problem(ended)
    if not lines:
        why = problem or ("it prints nothing" if not ended.stdout.strip() else _unread(ended.stdout, pattern))
        raise UsageError(f"no losses to grade: {_with_words(why, ended.stderr)}")
    if ended.code and problem:
        problem = _with_words(problem, ended.stderr)
    return Port(text, lines, problem)


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
    text = content.decode(errors="replace")
    lines = [] if b"\0" in content else log.read(text, pattern)
    if not lines:
        raise UsageError(f"no losses to grade in {source}: {_unread(content, pattern)}")
    return Port(text, lines, "")


def _unread(content: bytes, pattern: str | None) -> str:
    """Why there are no losses in what was printed."""
    if not content.strip():
        return "it is empty"
    if b"\0" in content or content.decode(errors="replace").count("�") > len(content) // 100:
        return "it is not text"
    if pattern is not None:
        return "--pattern finds none"
    return "no line has a form that is known, as step 1 / 1000 | loss 3.3660; give --pattern"
