"""Data sets: a text read from a file or a folder, split into train, val and test, as tokens."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ..files import downloads, inputs
from ..numbers.mersenne_twister import MersenneTwister
from ..numbers.rng import RNG
from . import batches, tokenizers
from .documents import Documents, documents
from .tokenizers import Tokenizer

SPLITS = ("train", "val", "test")
SPLIT_BY = ("lines", "python", "position")
KINDS = ("list", "text")
OF_LINES = {"padded": batches.padded, "documents": documents}
LONG_LINE = 60  # characters: the items of a list are seldom longer on average
SHARES = ((0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (0.4, 0.3, 0.3))  # offered where others leave a split empty
_MARK_AT_LINE_START = re.compile("^\ufeff+", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class Split:
    """One of train, val and test: its text, its tokens (int32, read-only), and which kind of windows it gives."""

    name: str
    text: str
    tokens: np.ndarray
    delimiter: int | None
    windows: str = "stream"
    _made: dict[int, batches.Windows | Documents] = field(default_factory=dict, init=False)  # by context length

    def __repr__(self) -> str:
        return f"Split({self.name!r}, {len(self.tokens):,} tokens, windows={self.windows!r})"

    @cached_property
    def n_tokens(self) -> int:
        """How many tokens there are to predict: all of a stream; of lines, each with its closing delimiter."""
        if self.windows == "stream":
            return len(self.tokens)
        return len(batches.closed_lines(self.tokens, self.delimiter))

    @cached_property
    def lines(self) -> frozenset[str]:
        """The distinct lines that are not empty."""
        return frozenset(self.text.split("\n")) - {""}

    def batches(
        self,
        context_length: int,
        batch_size: int,
        steps: int | None = None,
        start: int = 0,
        seed: int | None = None,
        predicts_every_position: bool = False,
    ) -> Iterator[batches.Batch]:
        """Inputs (B, T) and targets (B,), int32, of `steps` steps (endless if None), the first of them step `start`.

        The batch of step s is windows s B, s B + 1, ..., taken modulo their number; with a `seed`, windows drawn at
        random. Either way it depends on s alone: so a run resumes where it was. Targets are (B,), the token after the
        window; with `predicts_every_position` (B, T), the token after each. Documents are in batches of one length n,
        inputs and targets (B, n): see nnz.text.documents. Raises TypeError or ValueError for sizes that are not
        positive ints, and for a text shorter than a window.
        """
        examples = self.examples(context_length, predicts_every_position)
        if seed is None:
            return batches.batches(examples, batch_size, steps, start)
        return batches.random_batches(examples, batch_size, seed, steps, start)

    def every_target(
        self,
        context_length: int,
        batch_size: int,
        predicts_every_position: bool = False,
        n_batches: int | None = None,
    ) -> Iterator[batches.Batch]:
        """Inputs and targets as `batches` gives them, each target of the split exactly once: the last ones are smaller.

        With `predicts_every_position` the first token of a stream is no target, else its first T. With `n_batches`
        a part of the split, from its start, of about so many batches.
        """
        return batches.every_target(self.examples(context_length, predicts_every_position), batch_size, n_batches)

    def examples(self, context_length: int, predicts_every_position: bool) -> batches.Examples:
        """What batches are made of. Raises what `sliding_windows` raises."""
        made = self.sliding_windows(context_length)
        return made if self.windows == "documents" else replace(made, predicts_every_position=predicts_every_position)

    def sliding_windows(self, context_length: int) -> batches.Windows | Documents:
        """All windows of T + 1 tokens, or the documents, made once for each T.

        Raises TypeError or ValueError for a T that is not a positive int, or too long for the text.
        """
        batches.positive_int("context_length", context_length)
        if context_length not in self._made:
            self._made[context_length] = (
                batches.stream(self.tokens, context_length, self.name)
                if self.windows == "stream"
                else OF_LINES[self.windows](self.tokens, self.delimiter, context_length, self.name)
            )
        return self._made[context_length]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits and the tokenizer they share."""

    name: str
    train: Split
    val: Split
    test: Split
    tokenizer: Tokenizer
    kind: str = "list"
    empty_lines: int = 0  # of a list, which were dropped

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split.name}={len(split.tokens):,} tokens" for split in (self.train, self.val, self.test))
        return f"Dataset({self.name!r}, {sizes}, tokenizer={self.tokenizer})"

    def encode(self, text: str) -> np.ndarray:
        """`text` -> its ids, int32 (n,). Raises ValueError that names the first unknown token."""
        return self.tokenizer.encode(text)

    def decode(self, ids: ArrayLike) -> str:
        """The text of some ids. Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1."""
        return self.tokenizer.decode(ids)

    @cached_property
    def lines(self) -> frozenset[str]:
        """The distinct lines of all three splits, to tell a new name from one that is on the list."""
        return self.train.lines | self.val.lines | self.test.lines

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all tokens: another text, or another split of it, has another one."""
        digest = hashlib.sha256()
        for split in (self.train, self.val, self.test):
            digest.update(len(split.tokens).to_bytes(8, "little") + split.tokens.astype("<i4").tobytes())
        return digest.hexdigest()


def load_dataset(
    source: str | os.PathLike = "names",
    windows: str = "stream",
    split: str = "lines",
    fractions: Sequence[float] = (0.9, 0.05, 0.05),
    seed: int = 1337,
    tokenizer: str | Tokenizer = "char",
    min_count: int = 1,
    kind: str | None = None,
) -> Dataset:
    """Load a data set by name (`nnz data list`), a UTF-8 text file, or a folder with train.txt, val.txt and test.txt.

    A "list" has an item on each line, without the white space around it; empty lines are dropped, and the newline after
    each item ends it. In a running "text" every character counts, and no token ends it. Without a `kind` it is what
    `kind_of` says. A file is split by `fractions`: "lines" shuffles its lines by RNG(seed), "python" as Python's
    random.Random(seed).shuffle does, "position" keeps their order; with two fractions the second is val, and test is
    the same. The vocabulary is that of the whole file, or of train.txt, with `tokenizer` "char", "word" or "microgpt",
    which is "char" with the newline last; or `tokenizer` is one already. `windows` is "stream", "padded" (see
    `batches`) or "documents". A known name is preferred to a file of that name: write ./names for the file. Raises
    ValueError, FileNotFoundError or downloads.DownloadError.
    """
    known = None if isinstance(tokenizer, str) else tokenizer
    how = tokenizer if isinstance(tokenizer, str) else "char"
    kind = kind or kind_of(windows, split, how)
    _one_of("kind", kind, KINDS)
    _one_of("windows", windows, batches.KINDS)
    _one_of("split", split, SPLIT_BY)
    _one_of("tokenizer", how, tokenizers.KINDS)
    by_words = how == "word"
    if kind == "text" and windows != "stream" and not by_words:
        remedy = "take data.windows=stream, or data.kind=list"
        raise ValueError(f"data.windows = {windows!r} needs lines that end; {remedy}")
    name, path = _locate(source)
    if path.is_dir():
        texts = {part: read_text(path / f"{part}.txt") for part in SPLITS}
        parts = texts
        if kind == "list":
            parts = {part: "".join(_items(text, path / f"{part}.txt")) for part, text in texts.items()}
        vocabulary, empty = parts["train"], sum(map(_empty_lines, texts.values()))
    else:
        text = read_text(path)
        parts = split_file(path, text, kind, split, fractions, seed, by_words)
        vocabulary, empty = "".join(parts.values()), _empty_lines(text)
    if known is None:
        known = tokenizers.of_text(how, vocabulary, min_count, kind == "list", "".join(parts.values()))
    if windows != "stream" and known.delimiter is None:
        raise ValueError(f"data.windows = {windows!r} needs a token that ends a line; {known} has none: take stream")
    splits = {part: _split(part, text, known, windows, path) for part, text in parts.items()}
    return Dataset(name, **splits, tokenizer=known, kind=kind, empty_lines=empty if kind == "list" else 0)


def kind_of(windows: str, split: str, tokenizer: str) -> str:
    """The kind of data where a recipe says nothing: a text if it is cut by position into a stream, or into words."""
    return "text" if split == "position" and (windows == "stream" or tokenizer == "word") else "list"


def read_text(path: Path) -> str:
    """The text of a UTF-8 file: "\\n" ends each line, where the file has "\\r\\n" or "\\r" too.

    A byte order mark is dropped at the start of every line, because files are joined. Raises OSError, and ValueError
    for an empty file and, with the byte's offset, for one that is not UTF-8 or holds a NUL.
    """
    try:  # and not path.exists(), which a folder that may not be read makes false
        content = inputs.read_bytes(path, inputs.TEXT)
        text = content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"no file {path}: a data folder holds train.txt, val.txt and test.txt") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: bad byte at offset {error.start}; convert it to UTF-8 first") from None
    if (place := content.find(b"\0")) >= 0:
        raise ValueError(f"{path} holds a NUL character at offset {place}, so it is not plain text; take it out")
    text = _MARK_AT_LINE_START.sub("", text)
    if not text:
        raise ValueError(f"{path} is empty: it must hold some text")
    return text


def split_file(
    path: Path, text: str, kind: str, by: str, fractions: Sequence[float], seed: int, whole_words: bool = False
) -> dict[str, str]:
    """The text of one file as three: its lines in the order of RNG(seed).permutation or of Python's random.shuffle,
    or what it has in its own order.

    Of n pieces train has the first floor(n f), where f is the first fraction; with two fractions val and test are the
    same. The pieces by position are the lines of a list, the characters of a text. With `whole_words` a split between
    characters moves on past the next white space, so that no word and no paragraph is divided. Raises ValueError if one
    of the three would be empty.
    """
    _ends(fractions)
    if kind == "list":
        pieces: Sequence[str] = _items(text, path)
    elif by != "position":
        pieces = [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
    else:
        pieces = text
    if by == "lines":
        pieces = [pieces[i] for i in RNG(seed).permutation(len(pieces))]
    elif by == "python":
        MersenneTwister(seed).shuffle(pieces)
    texts = _cut(pieces, fractions, whole_words)
    if not all(texts):
        unit = "characters" if isinstance(pieces, str) else "lines"
        better = next((shares for shares in SHARES if all(_cut(pieces, shares, whole_words))), None)
        asked, remedy = ",".join(f"{share:g}" for share in fractions), f"take one with more {unit}"
        if better:
            remedy = f"add --set 'data.fractions=[{','.join(map(str, better))}]'"
        elif isinstance(pieces, list) and all(_cut(text, fractions, whole_words)):  # one long line: a text, not a list
            remedy = "add --set data.split=position"
            if kind == "list":
                how = "--set data.kind=text --set data.split=position --set data.windows=stream"
                remedy = f"if it is running text, add {how}"
        if kind == "list" and len(text) > LONG_LINE * len(pieces):
            remedy = f"its lines are long: for running text take the recipe gpt-cpu or words; for a list, {remedy}"
        unit = unit.removesuffix("s") if len(pieces) == 1 else unit
        raise ValueError(f"{path} has {len(pieces)} {unit}, too few to be split by [{asked}]; {remedy}")
    return dict(zip(SPLITS, texts, strict=True))


def _cut(pieces: Sequence[str], fractions: Sequence[float], whole_words: bool) -> list[str]:
    first, second = (int(len(pieces) * end) for end in _ends(fractions))
    if whole_words and isinstance(pieces, str):
        first, second = (_after_white_space(pieces, end) for end in (first, second))
    texts = ["".join(part) for part in (pieces[:first], pieces[first:second], pieces[second:])]
    return [texts[0], texts[1], texts[1]] if len(fractions) == 2 else texts


def _items(text: str, path: Path) -> list[str]:
    """The lines of a list, each with its newline. Raises ValueError if all are empty."""
    items = [f"{item}\n" for line in text.split("\n") if (item := line.strip())]
    if not items:
        raise ValueError(f"{path} has no line that is not empty: a list needs one")
    return items


def _empty_lines(text: str) -> int:
    return sum(not line.strip() for line in text.removesuffix("\n").split("\n"))


def _split(name: str, text: str, tokenizer: Tokenizer, windows: str, path: Path) -> Split:
    try:
        tokens = tokenizer.encode(text)
    except ValueError as error:
        raise ValueError(f"{path / name}.txt: {error}") from None
    tokens.setflags(write=False)
    return Split(name, text, tokens, tokenizer.delimiter, windows)


def _locate(source: str | os.PathLike) -> tuple[str, Path]:
    """The data set's name and its path; a known data set is downloaded if it is not here yet."""
    is_path = not isinstance(source, str) or "/" in source or os.sep in source
    if not is_path and (source in downloads.names() or not os.path.exists(source)):
        return source, downloads.get(source)
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"no file or folder {path}: check the path, or take a name from `nnz data list`")
    return path.resolve().name.removesuffix(".txt"), path


def _one_of(what: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{what} is {value!r}: it must be one of {', '.join(choices)}")


def _after_white_space(text: str, place: int) -> int:
    found = re.compile(r"\s+").search(text, place)
    return found.end() if found else len(text)


def _ends(fractions: Sequence[float]) -> tuple[Fraction, Fraction]:
    """Where train and val end, as exact parts of the whole: 0.7 + 0.1 is 0.8 here."""
    try:
        train, val, *rest = (Fraction(str(fraction)) for fraction in fractions)
    except (TypeError, ValueError):
        rest = [None, None]
    if len(rest) > 1:
        raise ValueError(f"fractions are {fractions!r}: they must be three numbers, such as 0.9, 0.05, 0.05, or two")
    if min(train, val, *rest) <= 0 or not math.isclose(train + val + sum(rest), 1):
        raise ValueError(f"fractions are {fractions!r}: they must be positive and add up to 1")
    return train, train + val
