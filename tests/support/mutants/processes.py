"""One process for each mutant, a few at a time: it may crash or hang, and nothing of it remains."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

TIMEOUT = 300  # seconds


class Died(NamedTuple):
    """A process that returned nothing; a negative code is the signal that ended it."""

    code: int


def each(work: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[tuple[Any, Any]]:
    """Yield (item, work(item) or Died) in the order in which they finish; each is forked from this process."""
    context = multiprocessing.get_context("fork")
    left, running = list(reversed(items)), {}
    while left or running:
        while left and len(running) < workers:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_answer, args=(work, left[-1], sender))
            process.start()
            sender.close()  # our copy, so that the pipe ends when the process ends
            running[receiver] = (left.pop(), process, time.monotonic() + TIMEOUT)
        for receiver in wait(list(running), timeout=1):
            item, process, _ = running.pop(receiver)
            yield item, _received(receiver, process)
        for _, process, deadline in running.values():
            if time.monotonic() > deadline:
                process.kill()


def _received(receiver: Any, process: Any) -> Any:
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        return Died(process.exitcode)
    finally:
        process.join()
        receiver.close()


def _answer(work: Callable[[Any], Any], item: Any, sender: Connection) -> None:
    sender.send(work(item))
