"""Byte pair encoding as GPT-2 has it (Sennrich et al. 2016; Radford et al. 2019): read, not learned."""

from __future__ import annotations

import codecs
import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..files.errors import quoted
from .token_ids import known_ids

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # Unicode's White_Space


class BytePairTokenizer:
    """A text is cut into words with the space before them, a word into bytes; bytes are merged, the first pair first.

    `tokens` are the texts of the ids in GPT-2's letters for bytes (see `letters`), "" for an id that has none; `merges`
    are pairs of tokens, "a b". A text in `special` is one token, wherever it is; `end` is the one that ends a text.
    Raises ValueError if they do not fit together.
    """

    unknown = None
    longest_sample = 200

    def __init__(self, tokens: list[str], merges: list[str], special: list[str], end: int | None = None) -> None:
        self.tokens, self.merges, self.special = tokens, merges, special
        self.vocab_size, self.delimiter = len(tokens), end
        self.start = 0 if end is None else end
        self._ids = {token: i for i, token in enumerate(tokens) if token}
        self._ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        self._special = re.compile(f"({'|'.join(map(re.escape, sorted(special, key=len, reverse=True)))})")
        self._check(end)
        self._token = functools.lru_cache(2**16)(self._merged)

    def _check(self, end: int | None) -> None:
        if len(self._ids) != len(self.tokens) - self.tokens.count(""):
            raise ValueError("two of its ids have the same token")
        for pair in self._ranks:
            if len(pair) != 2 or not {*pair, "".join(pair)} <= self._ids.keys():
                raise ValueError(f"its merge {quoted(' '.join(pair))} is not of two tokens that make a third")
        if any("\n" in token for token in self.tokens):
            raise ValueError("one of its tokens has a line end")
        if missing := set(self.special) - self._ids.keys():
            raise ValueError(f"its special token {quoted(min(missing))} has no id")
        known = set(letters().values())
        strange = (token for token in self._ids if token not in self.special and not known.issuperset(token))
        if token := next(strange, None):
            raise ValueError(f"its token {quoted(token)} is not written in GPT-2's letters for bytes")
        if end is not None and not (isinstance(end, int) and 0 <= end < self.vocab_size):
            raise ValueError(f"its end is {quoted(end)}, where ids run from 0 to {self.vocab_size - 1}")

    def __repr__(self) -> str:
        return f"BytePairTokenizer({self.vocab_size:,} tokens)"

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> BytePairTokenizer:
        """The tokenizer that `to_config` describes. Raises ValueError if it describes none."""
        tokens, merges, special = (config.get(name) for name in ("tokens", "merges", "special"))
        texts = [tokens, merges, *(special if isinstance(special, list) else [None])]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("its tokens and merges are not texts, or its special tokens are not a list of some")
        return cls(tokens.split("\n"), merges.split("\n") if merges else [], special, config.get("end"))

    def to_config(self) -> dict[str, Any]:
        """What a checkpoint keeps: `from_config` makes the same tokenizer from it, also after JSON."""
        tokens, merges = "\n".join(self.tokens), "\n".join(self.merges)  # long lists take a reader much memory
        return {"kind": "bpe", "tokens": tokens, "merges": merges, "special": self.special, "end": self.delimiter}

    def encode(self, text: str) -> np.ndarray:
        """`text` -> its ids, int32 (n,). Raises ValueError for a byte that has no token, or is not UTF-8."""
        found: list[int] = []
        if strange := re.search("[\ud800-\udfff]", text):
            raise ValueError(f"position {strange.start()} of the text is not UTF-8 ({strange[0]!r}): leave it out")
        for part in self._special.split(text) if self.special else [text]:
            if part in self.special:
                found.append(self._ids[part])
            else:
                for word in _words(part):
                    found += self._token(word)
        return np.array(found, np.int32)

    refuse_unknown = encode

    def decode(self, ids: ArrayLike) -> str:
        """The text of some ids; bytes that are not UTF-8 become U+FFFD.

        Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1.
        """
        return "".join(self.pieces(known_ids(ids, self.vocab_size)))

    def pieces(self, ids: Iterable[int], after: str = "") -> Iterator[str]:
        """Yield the text that each id completes as it comes; the text `after` which it comes makes no difference."""
        decoder, values = codecs.getincrementaldecoder("utf-8")("replace"), {c: b for b, c in letters().items()}
        for i in ids:
            token = self.tokens[i]
            yield decoder.decode(token.encode() if token in self.special else bytes(values[c] for c in token))
        yield decoder.decode(b"", final=True)

    def _merged(self, word: str) -> list[int]:
        parts = [letters()[byte] for byte in word.encode()]
        while len(parts) > 1:
            ranks = [self._ranks.get(pair, len(self._ranks)) for pair in pairwise(parts)]
            if (first := min(ranks)) == len(self._ranks):
                break
            a, b = self.merges[first].split(" ")
            merged: list[str] = []
            for part in parts:
                if merged and (merged[-1], part) == (a, b):
                    merged[-1] = a + b
                else:
                    merged.append(part)
            parts = merged
        if missing := [part for part in parts if part not in self._ids]:
            raise ValueError(f"{word!r} has a byte that is not in the vocabulary, {missing[0]!r}: leave it out")
        return [self._ids[part] for part in parts]


@functools.cache
def letters() -> dict[int, str]:
    """GPT-2's letter for each byte: itself where it can be seen, else one of those from U+0100 on."""
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(0x100 + i) for i, byte in enumerate(hidden)}


def _words(text: str) -> list[str]:
    """GPT-2's words: an English ending; letters, digits or marks with a space before them; or white space."""
    kinds: dict[str, list[str]] = {"L": [], "N": []}
    for character in set(text):
        if (kind := unicodedata.category(character)[0]) in kinds:
            kinds[kind].append(re.escape(character))
    L, N = ("".join(found) for found in kinds.values())
    runs = "".join(f" ?[{kind}]+|" for kind in (L, N) if kind)
    ways = rf"'s|'t|'re|'ve|'m|'ll|'d|{runs} ?[^{SPACES}{L}{N}]+|[{SPACES}]+(?![^{SPACES}])|[{SPACES}]+"
    return re.findall(ways, text)
