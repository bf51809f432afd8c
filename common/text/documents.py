"""Documents: each line from its start token to its end token, in batches of one length, so that nothing is padded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .batches import Batch, closed_lines


@dataclass(frozen=True, eq=False)
class Documents:
    """Documents on a tape of tokens: document d predicts the `lengths[d]` tokens after that at `starts[d]`."""

    tape: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    cut: int = 0  # how many are longer than the context

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def targets_per_row(self) -> float:
        """How many tokens a document predicts, on average."""
        return float(self.lengths.mean())

    def batch(self, step: int, batch_size: int) -> Batch:
        """Document `step` modulo their number, and with it the next ones of its length; after the last the first.

        So in one pass each document is taken `batch_size` times. Inputs and targets are (B, n), int32 copies.
        """
        place = self._places[step % len(self)]
        first, count = self._firsts[place], self._counts[place]
        return self.rows(self._by_length[first + (place - first + np.arange(batch_size)) % count])

    def drawn(self, draws: np.ndarray) -> Batch:
        """u32 draws (B,) -> a document of all n, number floor(u n / 2^32), and others of its length, each drawn alike.

        They are drawn with replacement. A length comes as often as there are documents of it, and within it all are
        alike: so in each place of the batch each document is as likely as any other.
        """
        wide = draws.astype(np.uint64)
        place = self._places[int(wide[0]) * len(self) >> 32]
        first, count = self._firsts[place], self._counts[place]
        others = first + (wide[1:] * np.uint64(count) >> np.uint64(32)).astype(np.int64)
        return self.rows(self._by_length[np.concatenate([[place], others])])

    def every_target(self, batch_size: int, batches: int | None = None) -> Iterator[Batch]:
        """Each document once, the shortest first; with `batches` only the first B * batches of them."""
        chosen = self._by_length if batches is None else self._by_length[self._by_length < batch_size * batches]
        lengths = self.lengths[chosen]
        for same in np.split(chosen, np.flatnonzero(np.diff(lengths)) + 1):
            for first in range(0, len(same), batch_size):
                yield self.rows(same[first : first + batch_size])

    def rows(self, numbers: np.ndarray) -> Batch:
        """Inputs and targets (B, n), int32 copies, of the documents with these numbers, which have one length."""
        n = self.lengths[numbers[0]]
        tokens = self.tape[self.starts[numbers, None] + np.arange(n + 1)]  # (B, n+1)
        return tokens[:, :-1].copy(), tokens[:, 1:].copy()

    @cached_property
    def _by_length(self) -> np.ndarray:
        """The numbers of all documents, those of a length next to each other and in their order."""
        return np.argsort(self.lengths, kind="stable")

    @cached_property
    def _places(self) -> np.ndarray:
        """Where each document is in `_by_length`."""
        return np.argsort(self._by_length)

    @cached_property
    def _firsts(self) -> np.ndarray:
        """For each place in `_by_length`, the first place of that length."""
        ordered = self.lengths[self._by_length]
        return np.searchsorted(ordered, ordered)

    @cached_property
    def _counts(self) -> np.ndarray:
        """For each place in `_by_length`, how many documents of that length there are."""
        ordered = self.lengths[self._by_length]
        return np.searchsorted(ordered, ordered, side="right") - self._firsts


def documents(tokens: np.ndarray, delimiter: int, context_length: int, name: str = "text") -> Documents:
    """Each line that is not empty, with a delimiter before and after it; n = min(T, len(line) + 1) of it are predicted.

    For T = 4 the line "ab" is .ab. and predicts ab. and the line "abcdef" is cut to .abcd and predicts abcd. Raises
    ValueError if every line is empty, and for a T of 1, which would show nothing but the start.
    """
    if context_length < 2:
        raise ValueError("context_length 1 shows of each document only its start; take 2 or more")
    closed = closed_lines(tokens, delimiter)
    if len(closed) == 0:
        raise ValueError(f"the {name} split has no line that is not empty: documents need one")
    tape = np.concatenate([np.array([delimiter], np.int32), closed])
    ends = np.flatnonzero(tape == delimiter)
    whole = np.diff(ends)
    return Documents(tape, ends[:-1], np.minimum(whole, context_length), int((whole > context_length).sum()))
