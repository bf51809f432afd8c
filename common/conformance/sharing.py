"""Numbered jobs shared out among processes: whoever is free takes the next."""

from __future__ import annotations

import multiprocessing
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from .isolated.descendants import LINUX, Descendants, end_with_parent, is_stopped

SIZE = 2  # bytes of a job's number
JOBS_EACH = 16  # for fewer it is not worth starting a process
LOOK, PATIENCE = 0.5, 5.0  # seconds: between two looks at those that work, and in which one ends that is asked to


class Assistants:
    """Processes that do jobs beside this one (Linux). The numbers of all lie in a socket, and `take` takes the next.

    Each assistant calls `do(opened, number)` with an `opened` of its own. A job whose assistant was killed is not done.
    There are sockets alone between them: what else a process has open, the backend of another could open by /proc.
    """

    def __init__(
        self, at_once: int, jobs: int, opened: Callable[[], AbstractContextManager], do: Callable[[Any, int], Any]
    ) -> None:
        self._left, full = socket.socketpair()
        with full:
            full.sendall(b"".join(number.to_bytes(SIZE) for number in range(jobs)))
        self._opened, self._do = opened, do
        self._working: dict[Connection, multiprocessing.Process] = {}
        self._processes: list[multiprocessing.Process] = []
        assistants = range(min(at_once, jobs // JOBS_EACH) - 1 if LINUX else 0)
        self._descendants = Descendants().__enter__() if assistants else None
        for _ in assistants:
            self._start()

    def __enter__(self) -> Assistants:
        return self

    def __exit__(self, *reasons: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(PATIENCE)
            process.kill()
            process.join()
        if self._descendants is not None:
            self._descendants.end(None)  # what they had started
            self._descendants.__exit__(None, None, None)
        self._left.close()

    def take(self) -> int | None:
        """The next job; None if all are taken."""
        number = self._left.recv(SIZE)
        return int.from_bytes(number) if number else None

    def done(self, at_the_end: bool = False) -> Iterator[tuple[int, Any]]:
        """What they have done since the last time, with its number; `at_the_end` all that they still do."""
        while self._working:
            ready = wait(list(self._working), LOOK if at_the_end else 0)
            for connection in ready:
                try:
                    yield connection.recv()
                except (EOFError, OSError):  # it has ended, perhaps in the middle of a message
                    del self._working[connection]
            if not ready and not at_the_end:
                return
            for process in self._working.values() if not ready else ():
                if is_stopped(process.pid):  # as by its backend: it would never come back
                    process.kill()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe(duplex=True)  # two sockets
        process = context.Process(target=self._work, args=(ours, theirs), daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        self._working[ours] = process

    def _work(self, ours: Connection, theirs: Connection) -> None:
        for other in (ours, *self._working):
            other.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        end_with_parent()
        with suppress(Exception), self._opened() as own:  # without one, the others do the work
            while (number := self.take()) is not None:
                theirs.send((number, self._do(own, number)))
