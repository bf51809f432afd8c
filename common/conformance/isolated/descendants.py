"""Limits for a program, and an end for every process that it started, also for those that left its group."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

LINUX = sys.platform == "linux"
SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER, GET_CHILD_SUBREAPER = 1, 36, 37  # of prctl(2)
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


def end_with_parent() -> None:
    """End this process when the one that started it ends. Only Linux can."""
    if LINUX:
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def is_stopped(pid: int) -> bool:
    """Whether a child was stopped, as by SIGSTOP: it may wait for ever."""
    if not hasattr(os, "waitid"):  # Windows
        return False
    with suppress(ChildProcessError):  # it has ended, and somebody has waited for it
        return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    return False


class Descendants:
    """While entered, a process whose parent ends becomes our child, so that `end` finds it wherever it went (Linux).

    Several may be entered at a time. What left the sessions of its program then ends with the last of them.
    """

    _entered = 0
    _was = 0  # before the first was entered: whether we were a sub-reaper,
    _ours: frozenset[int] = frozenset()  # and our children

    def __enter__(self) -> Descendants:
        if Descendants._entered == 0:
            Descendants._was, Descendants._ours = _is_sub_reaper(), frozenset(_children_of(os.getpid()))
            _set_sub_reaper(1)
        Descendants._entered += 1
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        Descendants._entered -= 1
        if Descendants._entered == 0:
            _set_sub_reaper(Descendants._was)

    def end(self, process: subprocess.Popen | None) -> None:
        """Kill the program, its group, what it started, and what these started, until there is nothing left."""
        sessions: set[int | None] = set()
        if process is not None:
            sessions = {process.pid, *map(_session, _family(process.pid))}
            with suppress(OSError):  # also where it has ended, for its children
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            with suppress(OSError):
                process.kill()
            process.wait()  # from now on its children are ours
        while left := self._left(sessions):
            for pid in left:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            for pid in left:
                with suppress(OSError):  # it is not our child yet: it will be, when its parent has ended
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(PAUSE)

    def _left(self, sessions: Collection[int | None]) -> list[int]:
        """The processes of these sessions that became our children since we entered, and all that these have.

        Of the last that is entered all sessions but ours: the program was in one of its own, what our own process
        started meanwhile is in ours.
        """
        children = {pid: _session(pid) for pid in set(_children_of(os.getpid())) - Descendants._ours}
        strangers = {pid: session for pid, session in children.items() if session not in (None, os.getsid(0))}
        is_last = Descendants._entered == 1
        return [one for pid, at in strangers.items() if is_last or at in sessions for one in _family(pid)]


def _forget_entered() -> None:
    Descendants._entered = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_entered)  # a new process is no sub-reaper


def _is_sub_reaper() -> int:
    found = ctypes.c_int(0)
    if LINUX:
        ctypes.CDLL(None).prctl(GET_CHILD_SUBREAPER, ctypes.byref(found), 0, 0, 0)
    return found.value


def _set_sub_reaper(value: int) -> None:
    if LINUX:
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, value, 0, 0, 0)


def _family(pid: int) -> list[int]:
    """A process, and all that it started and these started."""
    found = [pid]
    for parent in found:  # grows while it is read
        found += _children_of(parent)
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
