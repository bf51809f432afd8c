"""What a run shows on the terminal, and the signals that stop it from there."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO

from .errors import printable

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

USUAL_SIZE = {"ncols": 80, "nrows": 24}  # of a terminal that does not say its size, as one in a container
STILL = 0.5  # seconds after which a bar that nothing moves is drawn again
WIDE = 90  # columns; with fewer, the bar shows only how far it is, the time left and the loss
NARROW = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining}{postfix}]"


def note(text: str) -> None:
    """Print to stderr what is not a result; of the processes of torchrun only the first one does."""
    if not is_silent_worker():
        say(text)


def say(text: str) -> None:
    """Print to stderr, in every process. If nobody can read it, nothing is lost: that is no error."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:  # for print, None is stdout
            print(printable(text), file=sys.stderr, flush=True)


class CheckedOutput:
    """stdout: what cannot be written is an error that names it, and a terminal gets no control characters to obey."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._is_terminal = stream, stream.isatty()

    def write(self, text: str) -> int:
        """Write the text. Raises OSError."""
        with _naming_stdout():
            return self._stream.write(printable(text) if self._is_terminal else text)

    def flush(self) -> None:
        """Send on what was written. Raises OSError."""
        with _naming_stdout():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _naming_stdout() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(f"cannot write to stdout: {error.strerror}") from error


def is_silent_worker() -> bool:
    """Whether torchrun started this process with others, and it is not the first of them, which speaks for all."""
    rank = os.environ.get("RANK", "")  # what is not a number is told by this process: there may be no other
    return is_one_of_several() and rank.isascii() and rank.isdecimal() and rank.strip("0") != ""


def is_one_of_several() -> bool:
    """Whether torchrun started this process with others."""
    return os.environ.get("WORLD_SIZE", "") not in ("", "0", "1")


class Progress:
    """A progress bar with the loss and the tokens per second; none if stderr is not a terminal."""

    def __init__(self, steps: int, start: int, tokens_per_step: float, shown: bool = True) -> None:
        self._bar = bar(steps, "step", initial=start) if shown and is_seen() else None
        self._start, self._tokens, self._drawn = start, tokens_per_step, time.monotonic()

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
            is_narrow = 0 < (self._bar.ncols or 0) < WIDE
            self._bar.bar_format = NARROW if is_narrow else None
            postfix = f"loss {loss:.4f}" if is_narrow else f"loss {loss:.4f}, {rate:,.0f} tokens/s"
            self._bar.set_postfix_str(postfix, refresh=False)
            self._drawn = time.monotonic()

    def wait(self) -> None:
        """Let the clock go on, also where a step or an evaluation takes long."""
        if self._bar is not None and time.monotonic() - self._drawn > STILL:
            self._bar.refresh()
            self._drawn = time.monotonic()

    def line(self, text: str) -> None:
        """Print a line of results, above the bar if there is one."""
        if self._bar is None:
            print(text, flush=True)
            return
        self._bar.clear()
        print(text, flush=True)
        self._bar.refresh()


@contextmanager
def counting(total: int, unit: str) -> Iterator[Callable[[], object]]:
    """A progress bar of `total` things; a call of what it gives counts one."""
    with bar(total, unit) as shown:
        yield shown.update


class StopSignals:
    """A context in which the first signal only sets `requested`; the second raises KeyboardInterrupt at once.

    Outside the main thread, where Python delivers no signals, it changes nothing; nor for a signal that is ignored, as
    nohup asks for.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> StopSignals:
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._on_signal) for number in heard}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


def is_seen() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def bar(total: int, unit: str, **settings: Any) -> Any:
    """tqdm's progress bar on stderr; it shows nothing where that is no terminal."""
    from tqdm import tqdm

    if not is_seen():
        return tqdm(disable=True)
    size = USUAL_SIZE
    with suppress(OSError):
        if all(os.get_terminal_size(sys.stderr.fileno())):
            size = {"dynamic_ncols": True}
    return tqdm(total=total, unit=unit, file=sys.stderr, **size, **settings)
