"""Windows of T+1 tokens, T to read and one to predict, and the batches made of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from numbers import Integral
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..backend.checks import positive_int
from ..numbers.rng import RNG

KINDS = ("stream", "padded", "documents")
CHUNK = 2**16  # draws at a time

Batch = tuple[np.ndarray, np.ndarray]


class Examples(Protocol):
    """What batches are made of: Windows, or nnz.text.documents.Documents."""

    def batch(self, step: int, batch_size: int) -> Batch:
        """The batch of a step, where one example follows the other."""

    def drawn(self, draws: np.ndarray) -> Batch:
        """The batch that u32 draws (B,) choose."""

    def every_target(self, batch_size: int, batches: int | None) -> Iterator[Batch]:
        """Batches that hold each target once, all of them or so many."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Every window that starts at one of `starts` (all, in order, if None) on a tape of tokens."""

    view: np.ndarray  # (positions, T+1), read-only, overlapping
    starts: np.ndarray | None
    predicts_every_position: bool = False  # the targets are all tokens of a window but the first, or only the last

    def __len__(self) -> int:
        return len(self.view if self.starts is None else self.starts)

    @property
    def targets_per_row(self) -> float:
        """How many tokens a window predicts."""
        return self.view.shape[1] - 1 if self.predicts_every_position else 1

    def batch(self, step: int, batch_size: int) -> Batch:
        """Inputs (B, T) and targets (B,) or (B, T), int32 copies; after the last window the first one follows."""
        first = step * batch_size % len(self)
        if first + batch_size <= len(self):
            return self.rows(slice(first, first + batch_size))
        return self.rows(np.arange(first, first + batch_size) % len(self))

    def drawn(self, draws: np.ndarray) -> Batch:
        """The windows floor(u n / 2^32) of u32 draws (B,)."""
        numbers = draws.astype(np.uint64) * np.uint64(len(self)) >> np.uint64(32)
        return self.rows(numbers.astype(np.int64))

    def every_target(self, batch_size: int, batches: int | None = None) -> Iterator[Batch]:
        """Batches that hold each target once, in order, or the first so many of them; the last ones are smaller."""
        return islice(self._every_target(batch_size), batches)

    def _every_target(self, batch_size: int) -> Iterator[Batch]:
        windows, left = self, 0  # targets after the last full window
        context_length = self.view.shape[1] - 1
        if self.predicts_every_position:
            left = (len(self.view) - 1) % context_length
            windows = replace(self, view=self.view[::context_length])
        for first in range(0, len(windows), batch_size):
            yield windows.rows(slice(first, first + batch_size))
        if left:
            yield replace(self, view=self.view[-1:, -left - 1 :]).rows(slice(None))

    def rows(self, numbers: slice | np.ndarray) -> Batch:
        """Inputs (B, T) and targets (B,) or (B, T), int32 copies, of the windows with these numbers."""
        windows = self.view[numbers if self.starts is None else self.starts[numbers]]  # (B, T+1)
        targets = windows[:, 1:] if self.predicts_every_position else windows[:, -1]
        return windows[:, :-1].copy(), targets.copy()


def stream(tokens: np.ndarray, context_length: int, name: str = "text") -> Windows:
    """The windows at 0, 1, 2, ... n-T-1 of the whole text. Raises ValueError if it is shorter than a window."""
    if len(tokens) <= context_length:
        raise ValueError(
            f"the {name} split has {len(tokens)} tokens, too few for context_length {context_length}: "
            f"it must have at least {context_length + 1}; take a longer text, or a smaller context_length"
        )
    return Windows(sliding_window_view(tokens, context_length + 1), None)


def padded(tokens: np.ndarray, delimiter: int, context_length: int, name: str = "text") -> Windows:
    """Each line on its own: T delimiters, the line, one delimiter. Raises ValueError if every line is empty.

    For T = 2 and the line "ab": ..a, .ab, ab. and so a line gives len(line) + 1 windows.
    """
    closed = closed_lines(tokens, delimiter)
    if len(closed) == 0:
        raise ValueError(f"the {name} split has no line that is not empty: padded windows need one")
    ends = closed == delimiter
    line = np.cumsum(ends) - ends  # which line a token belongs to
    starts = np.arange(len(closed)) + line * context_length  # of the window whose last token it is
    tape = np.full(len(closed) + ends.sum() * context_length, delimiter, np.int32)
    tape[starts + context_length] = closed
    return Windows(sliding_window_view(tape, context_length + 1), starts)


def closed_lines(tokens: np.ndarray, delimiter: int) -> np.ndarray:
    """The tokens without empty lines, each line closed by one delimiter: one padded example per token of it."""
    closed = np.concatenate([tokens, np.array([delimiter], np.int32)])
    ends = closed == delimiter
    after_an_end = np.concatenate([[True], ends[:-1]])
    return closed[~(ends & after_an_end)]


def batches(examples: Examples, batch_size: int, steps: int | None = None, start: int = 0) -> Iterator[Batch]:
    """The batches from step `start` on, `steps` of them or endlessly; of windows, that of step s begins at s B mod n.

    Raises TypeError or ValueError unless batch_size and steps are positive ints and start is one from 0.
    """
    numbers = _numbers(batch_size, steps, start)
    return (examples.batch(step, batch_size) for step in numbers)


def every_target(examples: Examples, batch_size: int, batches: int | None = None) -> Iterator[Batch]:
    """Batches that hold each target exactly once; or a part of them, as many targets as `batches` batches have.

    Windows come in order, and the last batches are smaller. A model that predicts every position takes the windows at
    0, T, 2T, ..., and what is left of the text as a shorter one. Documents come by length, of a part of them as many as
    fill so many batches. Raises TypeError or ValueError unless batch_size is a positive int.
    """
    positive_int("batch_size", batch_size)
    return examples.every_target(int(batch_size), batches)


def random_batches(
    examples: Examples, batch_size: int, seed: int, steps: int | None = None, start: int = 0
) -> Iterator[Batch]:
    """As `batches`, but every window is drawn from all n, with replacement: number floor(u32 n / 2^32).

    Documents are drawn as nnz.text.documents says. Step s takes the draws s B ... s B + B - 1 of RNG(2^64 - seed): not
    of RNG(seed), which drew the weights. Raises what `batches` raises, and ValueError or TypeError for a seed that is
    not valid.
    """
    numbers = _numbers(batch_size, steps, start)
    rng = RNG(2**64 - RNG(seed).state)
    for first in range(0, start * batch_size, CHUNK):  # a resumed run skips the draws of the steps before
        rng.u32(min(CHUNK, start * batch_size - first))
    return _drawn(examples, batch_size, rng, numbers)


def _drawn(examples: Examples, batch_size: int, rng: RNG, numbers: Iterable[int]) -> Iterator[Batch]:
    ahead = max(1, CHUNK // batch_size)  # steps at a time: many draws at once cost less
    for i, _ in enumerate(numbers):
        if i % ahead == 0:
            draws = rng.u32((ahead, batch_size))
        yield examples.drawn(draws[i % ahead])


def _numbers(batch_size: int, steps: int | None, start: int) -> Iterable[int]:
    positive_int("batch_size", batch_size)
    if steps is not None:
        positive_int("steps", steps)
    if isinstance(start, bool) or not isinstance(start, Integral):
        raise TypeError(f"start must be an integer, not {type(start).__name__}")
    if start < 0:
        raise ValueError(f"start must be at least 0; got {start}")
    return count(int(start)) if steps is None else range(int(start), int(start) + int(steps))
