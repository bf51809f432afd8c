"""Numbered jobs shared out among processes: whoever is free takes the next."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from .isolated.descendants import LINUX, Descendants, end_with_parent

SIZE = 2  # bytes of a number in the pipe that has those which nobody has taken
JOBS_EACH = 16  # for fewer it is not worth starting a process
MOST = 4  # processes: each has a backend, which may take much memory


class Assistants:
    """Processes that do jobs beside this one (Linux). The numbers of all lie in a pipe, and `take` takes the next.

    Each has `opened()` to work on, and sends `do(opened, number)`. What one of them had taken when it was killed comes
    never.
    """

    def __init__(
        self, at_once: int, jobs: int, opened: Callable[[], AbstractContextManager], do: Callable[[Any, int], Any]
    ) -> None:
        self._left, full = os.pipe()
        os.write(full, b"".join(number.to_bytes(SIZE) for number in range(jobs)))
        os.close(full)
        self._opened, self._do = opened, do
        self._processes: list[multiprocessing.Process] = []
        self._open: list[Connection] = []
        assistants = range(min(at_once, MOST, jobs // JOBS_EACH) - 1 if LINUX else 0)
        self._descendants = Descendants().__enter__() if assistants else None
        for _ in assistants:
            self._start()

    def __enter__(self) -> Assistants:
        return self

    def __exit__(self, *reasons: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        if self._descendants is not None:
            self._descendants.end(None)  # what they had started
            self._descendants.__exit__(None, None, None)
        os.close(self._left)

    def take(self) -> int | None:
        """The next job; None if all are taken."""
        number = os.read(self._left, SIZE)
        return int.from_bytes(number) if number else None

    def done(self, at_the_end: bool = False) -> Iterator[tuple[int, Any]]:
        """What they have done since the last time, with its number; `at_the_end` all that they still do."""
        while self._open and (ready := wait(self._open, None if at_the_end else 0)):
            for connection in ready:
                try:
                    yield connection.recv()
                except EOFError:
                    self._open.remove(connection)

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=self._work, args=(sender,), daemon=True)
        process.start()
        sender.close()
        self._processes.append(process)
        self._open.append(receiver)

    def _work(self, sender: Connection) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
        end_with_parent()
        with suppress(Exception), self._opened() as own:  # without one, the others do the work
            while (number := self.take()) is not None:
                sender.send((number, self._do(own, number)))
