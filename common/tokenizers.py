"""From text to token ids and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


class CharTokenizer:
    """One token per character (Unicode code point); its id is its place among the sorted distinct characters of `text`.

    `delimiter` is the id of the newline, which starts and ends a sample; 0 where the text has no newline.
    Raises ValueError for an empty text.
    """

    def __init__(self, text: str) -> None:
        self.characters = "".join(sorted(set(text)))
        if not self.characters:
            raise ValueError("the text is empty: a tokenizer needs at least one character")
        self.vocab_size = len(self.characters)
        self.delimiter = max(self.characters.find("\n"), 0)
        self._codes = _code_points(self.characters)  # (V,)
        self._ids = np.full(self._codes[-1] + 2, -1, np.int32)  # code point -> id; the last place is for all others
        self._ids[self._codes] = np.arange(self.vocab_size)

    def encode(self, text: str) -> np.ndarray:
        """`text` -> its ids, int32 (len(text),). Raises ValueError that names the first character not known."""
        codes = _code_points(text)
        ids = self._ids[np.minimum(codes, len(self._ids) - 1)]
        if ids.size and ids.min() < 0:
            position = int(np.argmin(ids))
            raise ValueError(
                f"character {text[position]!r} (U+{codes[position]:04X}) at position {position} is not among the "
                f"{self.vocab_size} characters of the vocabulary: leave it out, or train on a text that holds it"
            )
        return ids

    def decode(self, ids: ArrayLike) -> str:
        """The text of some ids. Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1."""
        ids = np.atleast_1d(ids)
        if ids.size == 0:
            return ""
        if not np.issubdtype(ids.dtype, np.integer):
            raise TypeError(f"token ids must be integers, not {ids.dtype}")
        if ids.min() < 0 or ids.max() >= self.vocab_size:
            wrong = ids[(ids < 0) | (ids >= self.vocab_size)][0]
            raise ValueError(f"token id {wrong} is outside the vocabulary: ids run from 0 to {self.vocab_size - 1}")
        return self._codes[ids].tobytes().decode("utf-32-le", "surrogatepass")

    def to_config(self) -> dict[str, Any]:
        """What a checkpoint keeps: `from_config` makes the same tokenizer of it, also by way of JSON."""
        return {"kind": "char", "characters": self.characters}


Tokenizer = CharTokenizer


def from_config(config: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer that a checkpoint describes. Raises ValueError if this version knows no such kind."""
    if config.get("kind") != "char" or not isinstance(config.get("characters"), str):
        raise ValueError(f"tokenizer kind {config.get('kind')!r} cannot be read: this version of nnz knows 'char'")
    return CharTokenizer(config["characters"])


def _code_points(text: str) -> np.ndarray:
    # surrogatepass: a terminal's undecodable byte is an unknown character like any other
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
