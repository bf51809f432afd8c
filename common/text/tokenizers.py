"""From text to token ids and back."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..backend.checks import positive_int
from ..files.errors import quoted
from .byte_pairs import BytePairTokenizer
from .token_ids import TokenIds, known_ids
from .word_splitting import GLUE, LINE_END, PARAGRAPH, UNKNOWN, gap, has_paragraphs, tokens

MICROGPT = "microgpt"  # the kind of a CharTokenizer with `newline_last`


class CharTokenizer:
    """One token per character (Unicode code point); its id is its place among the sorted distinct characters of `text`.
    With `newline_last` the newline comes after all others, as microgpt has its BOS.

    `delimiter` is the id of the newline, which ends each line of a list and with it a sample; None where nothing ends a
    sample: in a running text (`ends` is False), or without a newline. `start` is what a sample begins after: the
    newline, or without one token 0. Raises ValueError for an empty text.
    """

    unknown = None  # no token is for unknown characters

    def __init__(self, text: str, ends: bool = True, newline_last: bool = False) -> None:
        self.characters = "".join(sorted(set(text), key=lambda c: (newline_last and c == "\n", c)))
        if not self.characters:
            raise ValueError("the text is empty: a tokenizer needs at least one character")
        self.vocab_size = len(self.characters)
        newline = self.characters.find("\n")
        self.start, self.delimiter = max(newline, 0), newline if ends and newline >= 0 else None
        self.longest_sample = 200 if self.delimiter is None else 1_000  # tokens; a sample must end somewhere
        self._codes = _code_points(self.characters)  # (V,)
        self._ids = np.full(
            int(self._codes.max()) + 2, -1, np.int32
        )  # code point -> id; the last place is for all others
        self._ids[self._codes] = np.arange(self.vocab_size)

    def __repr__(self) -> str:
        return f"CharTokenizer({self.vocab_size:,} characters)"

    def encode(self, text: str) -> np.ndarray:
        """`text` -> its ids, int32 (len(text),). Raises ValueError that names the first unknown character."""
        codes = _code_points(text)
        ids = self._ids[np.minimum(codes, len(self._ids) - 1)]
        if ids.size and ids.min() < 0:
            position = int(np.argmin(ids))
            raise ValueError(
                f"character {_shown(text[position])} at position {position} is not among the "
                f"{self.vocab_size} characters of the vocabulary: leave it out, or train on a text that holds it"
            )
        return ids

    def decode(self, ids: ArrayLike) -> str:
        """The text of some ids. Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1."""
        ids = known_ids(ids, self.vocab_size)
        return self._codes[ids].tobytes().decode("utf-32-le", "surrogatepass")

    def pieces(self, ids: Iterable[int], after: str = "") -> Iterator[str]:
        """Yield the text of each id as it comes; the text `after` which it comes makes no difference."""
        return map(self.characters.__getitem__, ids)

    def refuse_unknown(self, text: str) -> None:
        """Raises what `encode` raises; used to check a prompt. Also tells if only its Unicode form is another."""
        try:
            self.encode(text)
        except ValueError:
            for form in ("NFC", "NFD"):
                if not set(unicodedata.normalize(form, text)) - set(self.characters):
                    raise ValueError(
                        f"{text!r} has letters with marks in another Unicode form than the text of this model, which "
                        f"is in {form}: give it in {form}"
                    ) from None
            raise

    def to_config(self) -> dict[str, Any]:
        """What a checkpoint keeps: `from_config` makes the same tokenizer from it, also after JSON."""
        running = {"delimiter": None} if self.delimiter is None and "\n" in self.characters else {}
        kind = "char" if list(self.characters) == sorted(self.characters) else MICROGPT
        return {"kind": kind, "characters": self.characters, **running}


MOST_RARE = 2**20  # characters of rare words in a checkpoint, about 130,000 words


class WordTokenizer:
    """One token per word or mark (see nnz.text.word_splitting); ids go by count in `text`, equal ones by the alphabet.

    Words that occur fewer than `min_count` times become the token "<unk>". It is in the vocabulary only if there are
    any, or if `encoded`, the text that is to be encoded, has words that `text` has not. `delimiter` is the id of the
    end of a paragraph, which starts and ends a sample; it is in every vocabulary. `rare` are the words that were left
    out, to tell them from those that never came; None if it is not known, since there were very many. Raises ValueError
    for a text without a word, TypeError or ValueError unless min_count is an int of at least 1.
    """

    longest_sample = 250  # tokens, about 15 lines; a paragraph without an end must stop somewhere

    def __init__(self, text: str, min_count: int = 1, encoded: str = "") -> None:
        positive_int("min_count", min_count)
        end = PARAGRAPH if has_paragraphs(text) else LINE_END
        counts = Counter(tokens(text, end))
        marks = {name: counts.pop(name, 0) for name in (end, UNKNOWN)}
        kept = {word: count for word, count in counts.items() if count >= min_count}
        if not kept:
            raise ValueError(f"the text has no word that comes {min_count} times: a tokenizer needs at least one")
        marks[UNKNOWN] += counts.total() - sum(kept.values())
        needed = marks[UNKNOWN] or (encoded != text and set(tokens(encoded, end)) - kept.keys() - {end})
        kept |= marks if needed else {end: marks[end]}
        rare = sorted(counts.keys() - kept.keys())
        words = sorted(kept, key=lambda word: (-kept[word], word))
        self._hold(words, min_count, frozenset(rare) if len(" ".join(rare)) <= MOST_RARE else None)

    def __repr__(self) -> str:
        return f"WordTokenizer({self.vocab_size:,} words, min_count={self.min_count})"

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> WordTokenizer:
        """The tokenizer that `to_config` describes. Raises ValueError if its words are not a vocabulary."""
        words, min_count = config.get("words"), config.get("min_count")
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise ValueError("its words are not a list of texts")
        if len(set(words)) != len(words) or len({PARAGRAPH, LINE_END} & set(words)) != 1:
            raise ValueError("its words must differ, and one of them must be the end of a paragraph")
        if not isinstance(min_count, int):
            raise ValueError(f"its min_count is {quoted(min_count)}")
        rare = config.get("rare", "" if min_count == 1 else None)
        if not isinstance(rare, str | None) or {*(rare or "").split()} & set(words):
            raise ValueError("its rare words are not a text of words that are not in its vocabulary")
        tokenizer = cls.__new__(cls)
        tokenizer._hold(words, min_count, None if rare is None else frozenset(rare.split()))
        return tokenizer

    def to_config(self) -> dict[str, Any]:
        """What a checkpoint keeps: `from_config` makes the same tokenizer from it, also after JSON."""
        rare = {"rare": " ".join(sorted(self.rare))} if self.rare is not None and self.min_count > 1 else {}
        return {"kind": "word", "words": self.words, "min_count": self.min_count, **rare}

    def encode(self, text: str) -> np.ndarray:
        """`text` -> the ids of its words and marks, int32 (n,); an unknown one has the id of "<unk>".

        If the vocabulary has no "<unk>", raises ValueError as `refuse_unknown` does.
        """
        found = tokens(text, self._end)
        if self.unknown is None:
            self._refuse(found)
        return np.fromiter((self._ids.get(word, self.unknown) for word in found), np.int32, len(found))

    def refuse_unknown(self, text: str) -> None:
        """Raises ValueError that names the first unknown word or mark, and the most similar known ones.

        Used to check a prompt, where "<unk>" instead of a word makes no sense.
        """
        self._refuse(tokens(text, self._end))

    def decode(self, ids: ArrayLike) -> str:
        """The text of some ids, with the usual spaces; all in lower case, because the ids do not know capitals.

        Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1.
        """
        return "".join(self.pieces(known_ids(ids, self.vocab_size)))

    def pieces(self, ids: Iterable[int], after: str = "") -> Iterator[str]:
        """Yield the text of each id as it comes, with the space that it needs after the text `after`."""
        before = (tokens(after, self._end) or [""])[-1]
        if after[-1:].isspace():
            before = ""
        for i in ids:
            word = self.words[i]
            yield gap(before, word) + word.removesuffix(GLUE)
            before = word

    def _hold(self, words: list[str], min_count: int, rare: frozenset[str] | None) -> None:
        self.words, self.min_count, self.rare, self.vocab_size = words, min_count, rare, len(words)
        self._ids = {word: i for i, word in enumerate(words)}
        self._end = PARAGRAPH if PARAGRAPH in self._ids else LINE_END
        self.start = self.delimiter = self._ids[self._end]
        self.unknown = self._ids.get(UNKNOWN)

    def _refuse(self, found: list[str]) -> None:
        word = next((word for word in found if word not in self._ids), None)
        if word is None:
            return
        near = difflib.get_close_matches(word, self.words, n=3)
        hint = f"the nearest are {', '.join(map(repr, near))}" if near else "none of them comes near"
        fact, remedy = "is not", "train on a text that holds it"
        if self.rare is None or word in self.rare:
            times = f"{self.min_count} times (data.min_count){', or never,' if self.rare is None else ''}"
            fact = f"occurs fewer than {times} in the text of the model: it is not"
            remedy = "train with a smaller data.min_count"
        raise ValueError(
            f"word {word.removesuffix(GLUE)!r} {fact} among the {self.vocab_size:,} of the vocabulary, and {hint}: "
            f"take another, or {remedy}"
        )


Tokenizer = CharTokenizer | WordTokenizer | BytePairTokenizer | TokenIds
KINDS = ("char", MICROGPT, "word")  # those whose vocabulary is that of a text; the others come with a model


def of_text(kind: str, text: str, min_count: int = 1, ends: bool = True, encoded: str = "") -> Tokenizer:
    """The tokenizer of that kind whose vocabulary is that of `text`. Raises what its class raises."""
    return WordTokenizer(text, min_count, encoded) if kind == "word" else CharTokenizer(text, ends, kind == MICROGPT)


def from_config(config: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer that a checkpoint describes. Raises ValueError if this version knows no such kind."""
    if config.get("kind") in ("char", MICROGPT) and isinstance(config.get("characters"), str):
        if config.get("delimiter") is not None:
            raise ValueError(
                f"its delimiter is {quoted(config['delimiter'])}; only null can be read, for a running text"
            )
        return CharTokenizer(config["characters"], "delimiter" not in config, config["kind"] == MICROGPT)
    if config.get("kind") == "word" and "words" in config:
        return WordTokenizer.from_config(config)
    if config.get("kind") == "bpe":
        return BytePairTokenizer.from_config(config)
    if config.get("kind") == "ids":
        return TokenIds(config.get("vocab_size"), config.get("end"))
    known = "'char', 'microgpt', 'word', 'bpe' and 'ids'"
    raise ValueError(f"tokenizer kind {quoted(config.get('kind'))} cannot be read: this version of nnz knows {known}")


def same_vocabulary(a: Tokenizer, b: Tokenizer) -> bool:
    """Tell whether both give each text the same ids; what ends a sample may differ."""
    one, other = a.to_config(), b.to_config()
    apart = {"delimiter": None, "rare": None}  # what tokens are not made of
    return one | apart == other | apart


def _shown(character: str) -> str:
    """'a' (U+0061); of what cannot be seen, U+0007 alone."""
    code = f"U+{ord(character):04X}"
    return f"'{character}' ({code})" if character.isprintable() else code


def _code_points(text: str) -> np.ndarray:
    # surrogatepass: a terminal's undecodable byte is an unknown character like any other
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
