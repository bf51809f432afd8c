"""What a run shows on the terminal, and the signals that stop it from there."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def note(text: str) -> None:
    """Print to stderr what is not a result."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """A progress bar with the loss and the tokens per second; none if stderr is not a terminal."""

    def __init__(self, steps: int, start: int, tokens_per_step: int, shown: bool = True) -> None:
        self._bar = _bar(steps, start) if shown and sys.stderr.isatty() else None
        self._start, self._tokens = start, tokens_per_step

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, loss: float) -> None:
        """One step is done."""
        if self._bar is not None and self._bar.update():  # true only if the bar was drawn: most steps cost nothing
            seconds = self._bar.format_dict["elapsed"]
            rate = (self._bar.n - self._start) * self._tokens / seconds
            self._bar.set_postfix_str(f"loss {loss:.4f}, {rate:,.0f} tokens/s", refresh=False)

    def line(self, text: str) -> None:
        """Print a line of results, above the bar if there is one."""
        if self._bar is None:
            print(text, flush=True)
            return
        self._bar.clear()
        print(text, flush=True)
        self._bar.refresh()


class StopSignals:
    """A context in which the first signal only sets `requested`; the second raises KeyboardInterrupt at once.

    Outside the main thread, where Python delivers no signals, it changes nothing.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> StopSignals:
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


def _bar(steps: int, start: int) -> Any:
    from tqdm import tqdm

    return tqdm(total=steps, initial=start, unit="step", file=sys.stderr, dynamic_ncols=True)
