"""Limits for a program, and an end for every process that it started, also for those that left its group."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

LINUX = sys.platform == "linux"
SET_CHILD_SUBREAPER, GET_CHILD_SUBREAPER = 36, 37  # of prctl(2)
PAUSE = 1e-3  # seconds in which killed processes end
GIBI = 2**30
LEAST_MEMORY, MOST_MEMORY = 4 * GIBI, 16 * GIBI


def _memory() -> int:
    """A quarter of what the machine has: several are graded at a time."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if LINUX else MOST_MEMORY
    return max(LEAST_MEMORY, min(MOST_MEMORY, whole // 4))


# Memory that is written to: a runtime such as that of JavaScript or Go reserves far more than it uses.
LIMITS = {"RLIMIT_FSIZE": GIBI, "RLIMIT_DATA": _memory(), "RLIMIT_CORE": 0}


def limit(pid: int, limits: Mapping[str, int]) -> None:
    """Limit a process that was just started, and those that it starts. Only Linux can."""
    if LINUX:
        import resource

        for name, most in limits.items():
            kind = getattr(resource, name)
            with suppress(OSError, ValueError):  # it has ended, or has a lower limit
                hard = resource.prlimit(pid, kind)[1]
                most = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(pid, kind, (most, most))


class Descendants:
    """While entered, a process whose parent ends becomes our child, so that `end` finds it wherever it went (Linux)."""

    def __enter__(self) -> Descendants:
        self._libc = ctypes.CDLL(None, use_errno=True) if LINUX else None
        self._was, self._ours = ctypes.c_int(0), set(_children_of(os.getpid()))
        if self._libc is not None:
            self._libc.prctl(GET_CHILD_SUBREAPER, ctypes.byref(self._was), 0, 0, 0)
            self._libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._libc is not None:
            self._libc.prctl(SET_CHILD_SUBREAPER, self._was.value, 0, 0, 0)

    def end(self, process: subprocess.Popen | None) -> None:
        """Kill the program, what it started, and what these started, until there is nothing left."""
        if process is not None:
            with suppress(OSError):
                process.kill()
            process.wait()  # from now on its children are ours
        while left := self._left():
            for pid in left:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            for pid in left:
                with suppress(OSError):  # it is not our child yet: it will be, when its parent has ended
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(PAUSE)

    def _left(self) -> list[int]:
        """The processes of other sessions than ours that became children since we entered, and all that these have.

        The program was in a session of its own; what our own process started meanwhile is in ours.
        """
        children = set(_children_of(os.getpid())) - self._ours
        found = [pid for pid in children if _session(pid) not in (None, os.getsid(0))]
        for pid in found:  # grows while it is read
            found += _children_of(pid)
        return found


def _children_of(pid: int) -> list[int]:
    """The children of a process, of all its threads; none where there is no /proc."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children") if LINUX else ():
        with suppress(OSError, ValueError):
            found += map(int, path.read_text().split())
    return found


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
