"""From running text to ids of words and marks, and back."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..backend.checks import positive_int
from .vocabulary import known_ids
from .word_splitting import GLUE, LINE_END, PARAGRAPH, UNKNOWN, gap, has_paragraphs, tokens


class WordTokenizer:
    """One token per word or mark (see nnz.text.word_splitting); ids go by count in `text`, equal ones by the alphabet.

    Words that come less than `min_count` times become the token "<unk>", which is in the vocabulary only if there are
    any. `delimiter` is the id of the end of a paragraph, which starts and ends a sample; it is in every vocabulary.
    Raises ValueError for a text without a word, TypeError or ValueError unless min_count is an int of at least 1.
    """

    longest_sample = 250  # tokens; some 15 lines, where a paragraph does not end of itself

    def __init__(self, text: str, min_count: int = 1) -> None:
        positive_int("min_count", min_count)
        end = PARAGRAPH if has_paragraphs(text) else LINE_END
        counts = Counter(tokens(text, end))
        marks = {name: counts.pop(name, 0) for name in (end, UNKNOWN)}
        kept = {word: count for word, count in counts.items() if count >= min_count}
        if not kept:
            raise ValueError(f"the text has no word that comes {min_count} times: a tokenizer needs at least one")
        marks[UNKNOWN] += counts.total() - sum(kept.values())
        kept |= marks if marks[UNKNOWN] else {end: marks[end]}
        self._hold(sorted(kept, key=lambda word: (-kept[word], word)), min_count)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> WordTokenizer:
        """The tokenizer that `to_config` wrote down. Raises ValueError if its words are no vocabulary."""
        words, min_count = config.get("words"), config.get("min_count")
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise ValueError("its words are no list of texts")
        if len(set(words)) != len(words) or len({PARAGRAPH, LINE_END} & set(words)) != 1:
            raise ValueError("its words must differ, and one of them must be the end of a paragraph")
        if not isinstance(min_count, int):
            raise ValueError(f"its min_count is {min_count!r}")
        tokenizer = cls.__new__(cls)
        tokenizer._hold(words, min_count)
        return tokenizer

    def to_config(self) -> dict[str, Any]:
        """What a checkpoint keeps: `from_config` makes the same tokenizer of it, also by way of JSON."""
        return {"kind": "word", "words": self.words, "min_count": self.min_count}

    def encode(self, text: str) -> np.ndarray:
        """`text` -> the ids of its words and marks, int32 (n,); of one not known, that of "<unk>".

        Raises ValueError where the vocabulary has no "<unk>", as `refuse_unknown` does.
        """
        found = tokens(text, self._end)
        if self._unknown is None:
            self._refuse(found)
        return np.fromiter((self._ids.get(word, self._unknown) for word in found), np.int32, len(found))

    def refuse_unknown(self, text: str) -> None:
        """Raises ValueError that names the first word or mark not known, and its nearest neighbours.

        For a prompt: who asked for a word wants no "<unk>" in its place.
        """
        self._refuse(tokens(text, self._end))

    def decode(self, ids: ArrayLike) -> str:
        """The text of some ids, spaced as one writes; all in lower case, for which capitals were there is not known.

        Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1.
        """
        return "".join(self.pieces(known_ids(ids, self.vocab_size)))

    def pieces(self, ids: Iterable[int], after: str = "") -> Iterator[str]:
        """Yield the text of each id as it comes, with the space before it that it needs behind the text `after`."""
        before = (tokens(after, self._end) or [""])[-1]
        if after[-1:].isspace():
            before = ""
        for i in ids:
            word = self.words[i]
            yield gap(before, word) + word.removesuffix(GLUE)
            before = word

    def _hold(self, words: list[str], min_count: int) -> None:
        self.words, self.min_count, self.vocab_size = words, min_count, len(words)
        self._ids = {word: i for i, word in enumerate(words)}
        self._end = PARAGRAPH if PARAGRAPH in self._ids else LINE_END
        self.delimiter, self._unknown = self._ids[self._end], self._ids.get(UNKNOWN)

    def _refuse(self, found: list[str]) -> None:
        word = next((word for word in found if word not in self._ids), None)
        if word is None:
            return
        near = difflib.get_close_matches(word, self.words, n=3)
        hint = f"the nearest are {', '.join(map(repr, near))}" if near else "none of them comes near"
        raise ValueError(
            f"word {word.removesuffix(GLUE)!r} is not among the {self.vocab_size:,} of the vocabulary, and {hint}: "
            "take another, or train on a text that holds it"
        )
