"""Runs a program to its end or until a limit, and leaves nothing of it behind."""

from __future__ import annotations

import os
import re
import select
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
ENDED = 1  # the exit code of a program that ended with 0 and gave no answer
MAX_SHOWN = 60  # characters of an answer that is none
PAUSE = 0.01  # seconds


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


class Served:
    """A program that runs for many requests: a line on its stdin, then one on its stdout. `close` ends it.

    Raises OSError if it cannot be started. What holds for `run` holds for it.
    """

    def __init__(self, words: Sequence[str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._descendants = Descendants().__enter__()
        self._process = None
        try:
            self._process = subprocess.Popen(words, bufsize=0, start_new_session=True, **pipes)
            limit(self._process.pid, LIMITS)
            for stream in (self._process.stdout, self._process.stderr):
                os.set_blocking(stream.fileno(), False)
        except BaseException:
            self.close()
            raise

    def ask(self, line: str, timeout: float) -> tuple[int, str]:
        """Return the number that it answers, and the beginning of what it wrote to stderr before.

        If it ends instead, that is its exit code, which is not 0. Raises TimedOut and Stopped.
        """
        process, deadline = self._process, time.monotonic() + timeout
        with suppress(BrokenPipeError):  # it has ended, which is seen below
            process.stdin.write(line.encode() + b"\n")
        said, counts = {process.stdout: b"", process.stderr: b""}, {process.stdout: 0, process.stderr: 0}
        open_ = set(said)
        while True:
            ended = process.poll() is not None  # before the last reading
            for stream in [stream for stream in said if stream in open_]:  # what was said before an answer, after it
                while (piece := stream.read(PIECE)) is not None:
                    said[stream] += piece[: MAX_OUTPUT - len(said[stream])]
                    counts[stream] += len(piece)
                    if not piece:
                        open_.discard(stream)
                        break
                    if counts[stream] > TOO_MUCH_OUTPUT:
                        raise Stopped(f"printed more than {TOO_MUCH_OUTPUT:,} bytes and was stopped")
            message = said[process.stderr].decode(errors="replace")
            answer, is_whole, _ = said[process.stdout].partition(b"\n")
            if is_whole:
                if not re.fullmatch(rb"[0-9]{1,3}\r?", answer):
                    shown = answer[:MAX_SHOWN].decode(errors="replace")
                    raise Stopped(f"answered {shown!r} and was stopped; its stdout is for exit codes")
                return int(answer), message
            if ended:
                return process.returncode or ENDED, message
            if (left := deadline - time.monotonic()) <= 0:
                raise TimedOut(f"took more than {timeout:g} s and was stopped")
            if open_:
                select.select(open_, (), (), min(left, 0.05))
            else:
                time.sleep(min(left, PAUSE))

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def close(self) -> None:
        """End it, and every process that it started."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()
        if self._descendants is not None:
            self._descendants.end(process)
            self._descendants.__exit__(None, None, None)
            self._descendants = None


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
