"""From text to token ids and back."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .vocabulary import known_ids
from .words import WordTokenizer


class CharTokenizer:
    """One token per character (Unicode code point); its id is its place among the sorted distinct characters of `text`.

    `delimiter` is the id of the newline, which starts and ends a sample; 0 where the text has no newline.
    Raises ValueError for an empty text.
    """

    longest_sample = 1_000  # tokens; a model that never gives a delimiter must end somewhere

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
        ids = known_ids(ids, self.vocab_size)
        return self._codes[ids].tobytes().decode("utf-32-le", "surrogatepass")

    def pieces(self, ids: Iterable[int], after: str = "") -> Iterator[str]:
        """Yield the text of each id as it comes, whatever it comes `after`."""
        return map(self.characters.__getitem__, ids)

    def refuse_unknown(self, text: str) -> None:
        """Raises what `encode` raises: for a prompt, that all of it is known."""
        self.encode(text)

    def to_config(self) -> dict[str, Any]:
        """What a checkpoint keeps: `from_config` makes the same tokenizer of it, also by way of JSON."""
        return {"kind": "char", "characters": self.characters}


Tokenizer = CharTokenizer | WordTokenizer
KINDS = ("char", "word")


def of_text(kind: str, text: str, min_count: int = 1) -> Tokenizer:
    """The tokenizer of that kind whose vocabulary is that of `text`. Raises what its class raises."""
    return WordTokenizer(text, min_count) if kind == "word" else CharTokenizer(text)


def from_config(config: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer that a checkpoint describes. Raises ValueError if this version knows no such kind."""
    if config.get("kind") == "char" and isinstance(config.get("characters"), str):
        return CharTokenizer(config["characters"])
    if config.get("kind") == "word" and "words" in config:
        return WordTokenizer.from_config(config)
    known = " and ".join(map(repr, KINDS))
    raise ValueError(f"tokenizer kind {config.get('kind')!r} cannot be read: this version of nnz knows {known}")


def _code_points(text: str) -> np.ndarray:
    # surrogatepass: a terminal's undecodable byte is an unknown character like any other
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
