"""The lines of a run on stdout, and its progress bar on stderr where that is a terminal."""

from __future__ import annotations

import sys
from typing import Any


def note(text: str) -> None:
    """Say something about the run that is not its result."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """Counts steps; shows the loss and the tokens per second. Silent where stderr is no terminal."""

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
        if self._bar is not None and self._bar.update():  # true only when the bar was drawn: most steps cost nothing
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


def _bar(steps: int, start: int) -> Any:
    from tqdm import tqdm

    return tqdm(total=steps, initial=start, unit="step", file=sys.stderr, dynamic_ncols=True)
