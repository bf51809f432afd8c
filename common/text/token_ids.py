"""Token ids as text: for a model whose own tokenizer is not to be had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..files.errors import quoted


class TokenIds:
    """The text of a token is its id, "464"; between tokens is a space.

    `end` is the id of the token that ends a text, before which a sample ends, and after which it begins.
    """

    unknown = None
    longest_sample = 200

    def __init__(self, vocab_size: int, end: int | None = None) -> None:
        if type(vocab_size) is not int or vocab_size < 1:
            raise ValueError(f"its vocab_size is {quoted(vocab_size)}")
        if end is not None and not (type(end) is int and 0 <= end < vocab_size):
            raise ValueError(f"its end is {quoted(end)}, where ids run from 0 to {vocab_size - 1}")
        self.vocab_size, self.delimiter = vocab_size, end
        self.start = 0 if end is None else end

    def __repr__(self) -> str:
        return f"TokenIds({self.vocab_size:,} ids)"

    def encode(self, text: str) -> np.ndarray:
        """ "464 3290" -> its ids, int32 (n,). Raises ValueError that names the first word that is none."""
        for word in (words := text.split()):
            if not (word.isascii() and word.isdecimal() and len(word) < 10 and int(word) < self.vocab_size):
                raise ValueError(
                    f"{word!r} is not a token id: of this model only those are known, 0 to {self.vocab_size - 1}, "
                    "such as '0 1 2'"
                )
        return np.array(words, np.int32)

    refuse_unknown = encode

    def decode(self, ids: ArrayLike) -> str:
        """The text of some ids. Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1."""
        return " ".join(map(str, known_ids(ids, self.vocab_size)))

    def pieces(self, ids: Iterable[int], after: str = "") -> Iterator[str]:
        """Yield the text of each id as it comes, with the space that it needs after the text `after`."""
        gap = " " if after and not after[-1].isspace() else ""
        for i in ids:
            yield f"{gap}{i}"
            gap = " "

    def to_config(self) -> dict[str, Any]:
        """What a checkpoint keeps: `from_config` makes the same tokenizer from it, also after JSON."""
        return {"kind": "ids", "vocab_size": self.vocab_size, "end": self.delimiter}


def known_ids(ids: ArrayLike, vocab_size: int) -> np.ndarray:
    """The ids as an array (n,). Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1."""
    ids = np.atleast_1d(ids)
    if ids.size == 0:
        return ids.astype(np.int32)
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"token ids must be integers, not {ids.dtype}")
    if ids.min() < 0 or ids.max() >= vocab_size:
        wrong = ids[(ids < 0) | (ids >= vocab_size)][0]
        raise ValueError(f"token id {wrong} is outside the vocabulary: ids run from 0 to {vocab_size - 1}")
    return ids
