"""One process for each piece of work, a few at a time: a mutant may crash or hang, and leaves nothing behind."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

LONGEST = 300  # seconds


class Died(NamedTuple):
    """A process that gave no answer; a negative code is the signal that ended it."""

    code: int


def each(work: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[tuple[Any, Any]]:
    """Yield (item, work(item) or Died) as they are done; each is forked from here, with all that is imported."""
    context = multiprocessing.get_context("fork")
    left, running = list(reversed(items)), {}
    while left or running:
        while left and len(running) < workers:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_answer, args=(work, left[-1], sender))
            process.start()
            sender.close()  # ours: so that the process' end is the end of the pipe
            running[receiver] = (left.pop(), process, time.monotonic() + LONGEST)
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
