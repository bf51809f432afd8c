"""Runs a program to its end or until a timeout, and reads only the beginning of its output."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

MAX_OUTPUT = 30_000  # bytes that are read


class TimedOut(Exception):
    """The program did not end in time and was stopped."""


def run(words: Sequence[str], stream: str, timeout: float) -> tuple[int, str]:
    """Return the exit code (minus a signal's number) and the beginning of what it wrote to "stdout" or "stderr".

    It runs in a process group of its own and writes to a file, so that a child that it leaves behind does not block us.
    Raises OSError if it cannot be started, and TimedOut.
    """
    with tempfile.TemporaryFile() as output:
        streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: output}
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, **streams)
        late = threading.Event()
        alarm = threading.Timer(timeout, _stop, [process, late])  # wait(timeout) would poll
        alarm.start()
        try:
            code = process.wait()
        except BaseException:  # Ctrl-C
            _kill(process)
            raise
        finally:
            alarm.cancel()
        if late.is_set():
            raise TimedOut(f"took more than {timeout:g} s and was stopped")
        output.seek(0)
        return code, output.read(MAX_OUTPUT).decode(errors="replace")


def _stop(process: subprocess.Popen, late: threading.Event) -> None:
    late.set()
    _kill(process)


def _kill(process: subprocess.Popen) -> None:
    """Kill the program and its children."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
