"""Runs a program to its end or until a limit, and leaves nothing of it behind."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from ..isolated.descendants import LIMITS, Descendants, limit

MAX_OUTPUT = 30_000  # bytes that are kept
TOO_MUCH_OUTPUT = 2**24  # bytes after which it is stopped
PIECE = 2**16
ENDED = 1  # the exit code of a program that ended with 0 and gave no answer
MAX_SHOWN = 60  # characters of an answer that is none
PAUSE, LOOK = 0.01, 0.05  # seconds: without and with a stream to wait for


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
    with Descendants() as descendants, open(reading, "rb", buffering=0) as opened:
        try:
            try:
                process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, **streams)
            finally:
                os.close(writing)
            limit(process.pid, LIMITS)
            output = _Output(opened)
            for _ in _looks(process, [output], timeout):
                pass
        finally:  # also after Ctrl-C
            descendants.end(process)
    return process.returncode, output.text


@dataclass(frozen=True)
class Watched:
    """What a program did until it ended, or was stopped for the reason that `stopped` gives."""

    code: int  # minus a signal's number
    stdout: bytes
    stderr: bytes
    stopped: str = ""


def watch(words: Sequence[str], timeout: float, has_enough: Callable[[bytes, bytes], bool]) -> Watched:
    """Run a program until it ends, reaches a limit, or `has_enough` is true of its stdout and stderr.

    What holds for `run` holds for it, but what was printed before a limit is kept.
    """
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process, stopped = None, ""
    with Descendants() as descendants, ExitStack() as streams:
        try:
            process = subprocess.Popen(
                words, bufsize=0, start_new_session=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}, **pipes
            )
            limit(process.pid, LIMITS)
            out, err = (_Output(streams.enter_context(stream)) for stream in (process.stdout, process.stderr))
            out.most = err.most = TOO_MUCH_OUTPUT
            for _ in _looks(process, [out, err], timeout):
                if has_enough(out.kept, err.kept):
                    break
        except Stopped as error:
            stopped = str(error)
        finally:  # also after Ctrl-C
            descendants.end(process)
    return Watched(process.returncode, out.kept, err.kept, stopped)


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
        except BaseException:
            self.close()
            raise

    def ask(self, line: str, timeout: float) -> tuple[int, str]:
        """Return the number that it answers, and the beginning of what it wrote to stderr before.

        If it ends instead, that is its exit code, which is not 0. Raises TimedOut and Stopped.
        """
        process = self._process
        with suppress(BrokenPipeError):  # it has ended, which is seen below
            process.stdin.write(line.encode() + b"\n")
        answers, message = _Output(process.stdout), _Output(process.stderr)
        for _ in _looks(process, [answers, message], timeout):  # what was said before an answer is read after it
            answer, is_whole, _ = answers.kept.partition(b"\n")
            if is_whole:
                if not re.fullmatch(rb"[0-9]{1,3}\r?", answer):
                    shown = answer[:MAX_SHOWN].decode(errors="replace")
                    raise Stopped(f"answered {shown!r} and was stopped; its stdout is for exit codes")
                return int(answer), message.text
        return process.returncode or ENDED, message.text

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def close(self) -> None:
        """End it, and every process that it started."""
        process, self._process = self._process, None
        if self._descendants is not None:
            self._descendants.end(process)
            self._descendants.__exit__(None, None, None)
            self._descendants = None
        if process is not None:
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()


class _Output:
    """What a program writes to a stream: its beginning."""

    def __init__(self, stream: Any) -> None:
        os.set_blocking(stream.fileno(), False)
        self.stream, self.kept, self.count, self.is_open = stream, b"", 0, True
        self.most = MAX_OUTPUT  # bytes to keep

    @property
    def text(self) -> str:
        return self.kept.decode(errors="replace")

    def read(self) -> None:
        """Take in what is there. Raises Stopped."""
        while self.is_open and (piece := self.stream.read(PIECE)) is not None:
            self.is_open, self.count = piece != b"", self.count + len(piece)
            self.kept += piece[: self.most - len(self.kept)]
            if self.count > TOO_MUCH_OUTPUT:
                raise Stopped(f"printed more than {TOO_MUCH_OUTPUT:,} bytes and was stopped")


def _looks(process: subprocess.Popen, outputs: Sequence[_Output], timeout: float) -> Iterator[None]:
    """Read, again and again, until the process has ended and all is read. Raises TimedOut and Stopped."""
    deadline, ended = time.monotonic() + timeout, False
    while not ended:
        ended = process.poll() is not None  # before the last reading
        for output in outputs:
            output.read()
        yield
        if not ended:
            if (left := deadline - time.monotonic()) <= 0:
                raise TimedOut(f"took more than {timeout:g} s and was stopped")
            open_ = [output.stream for output in outputs if output.is_open]
            if not open_:
                time.sleep(min(left, PAUSE))
                continue
            with selectors.DefaultSelector() as selector:
                for stream in open_:
                    selector.register(stream, selectors.EVENT_READ)
                selector.select(min(left, LOOK))  # a child may hold a pipe after the program has ended
