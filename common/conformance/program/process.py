"""Runs a program to its end or until a limit, and leaves nothing of it behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..isolated.descendants import LIMITS, Descendants, limit

MAX_OUTPUT = 30_000  # bytes that are kept
TOO_MUCH_OUTPUT = 2**24  # bytes after which it is stopped
PIECE = 2**16


class Stopped(Exception):
    """The program went beyond a limit and was stopped."""


class TimedOut(Stopped):
    """The program did not end in time."""


def run(words: Sequence[str], stream: str, timeout: float) -> tuple[int, str]:
    """Return the exit code (minus a signal's number) and the beginning of what it wrote to "stdout" or "stderr".

    Its files and its memory are limited (LIMITS). When this returns or raises, the program and every process that it
    started have ended. Raises OSError if it cannot be started, TimedOut, and Stopped.
    """
    reading, writing = os.pipe()
    streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: writing}
    process = None
    with Descendants() as descendants, open(reading, "rb", buffering=0) as output:
        try:
            try:
                process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, **streams)
            finally:
                os.close(writing)
            limit(process.pid, LIMITS)
            said = _read(output, process, time.monotonic() + timeout, timeout)
        finally:  # also after Ctrl-C
            if process is not None:
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            descendants.end(process)
    return process.returncode, said.decode(errors="replace")


def _read(output: Any, process: subprocess.Popen, deadline: float, timeout: float) -> bytes:
    """The beginning of what the program writes until it ends. Raises TimedOut and Stopped."""
    os.set_blocking(output.fileno(), False)
    kept, count, open_ = b"", 0, True
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None  # before the last reading
            while open_ and (piece := output.read(PIECE)) is not None:
                open_, count = piece != b"", count + len(piece)
                kept += piece[: MAX_OUTPUT - len(kept)]
                if count > TOO_MUCH_OUTPUT:
                    raise Stopped(f"printed more than {TOO_MUCH_OUTPUT:,} bytes and was stopped")
            if ended:
                return kept
            if (left := deadline - time.monotonic()) <= 0:
                raise TimedOut(f"took more than {timeout:g} s and was stopped")
            if open_:
                selector.select(min(left, 0.05))  # a child may hold the pipe after the program has ended
            else:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(left)
