"""Texts, split into train, val and test and cut into batches."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..files import downloads
from . import batches, texts, tokenizers
from .tokenizers import Tokenizer

if TYPE_CHECKING:
    from ..recipes.sections import Data


@dataclass(frozen=True, eq=False)
class Split:
    """One of train, val and test: its text, its tokens (int32, read-only), and the windows it is cut into."""

    name: str
    text: str
    tokens: np.ndarray
    delimiter: int
    windows: str = "stream"

    @cached_property
    def n_tokens(self) -> int:
        """How many tokens there are to predict: all of a stream; of padded lines, each with its closing delimiter."""
        if self.windows == "stream":
            return len(self.tokens)
        return len(batches.closed_lines(self.tokens, self.delimiter))

    @cached_property
    def lines(self) -> frozenset[str]:
        """The distinct lines that are not empty, to tell a new name from one seen in training."""
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
        random. Either way it depends on s alone: so a run resumes where it was. Targets are (B,), or with
        `predicts_every_position` (B, T), the token after each. Raises TypeError or ValueError for sizes that are not
        positive ints, and for a text shorter than a window.
        """
        windows = replace(self.cut(context_length), predicts_every_position=predicts_every_position)
        if seed is None:
            return batches.batches(windows, batch_size, steps, start)
        return batches.random_batches(windows, batch_size, seed, steps, start)

    def cut(self, context_length: int) -> batches.Windows:
        """All windows of T + 1 tokens. Raises TypeError or ValueError for a T that is no positive int or too long."""
        batches.positive_int("context_length", context_length)
        if self.windows == "stream":
            return batches.stream(self.tokens, context_length, self.name)
        return batches.padded(self.tokens, self.delimiter, context_length, self.name)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits and the tokenizer they share."""

    name: str
    train: Split
    val: Split
    test: Split
    tokenizer: Tokenizer

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all tokens: another text, or another cut of it, has another one."""
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
    tokenizer: str = "char",
    min_count: int = 1,
) -> Dataset:
    """Load a data set by name (`nnz data list`), a UTF-8 text file, or a folder with train.txt, val.txt and test.txt.

    A file is cut by `fractions`: "lines" shuffles its lines by RNG(seed), "position" leaves the text as it stands; of
    two fractions the second is that of val, which is the test split too. The vocabulary is the whole file's, or
    train.txt's, of `tokenizer` "char" or "word" (see `words`). `windows` is "stream" or "padded" (see `batches`). A
    name goes before a file of that name: write ./names for that. Raises ValueError, FileNotFoundError or
    downloads.DownloadError.
    """
    _one_of("windows", windows, batches.KINDS)
    _one_of("split", split, texts.CUTS)
    _one_of("tokenizer", tokenizer, tokenizers.KINDS)
    by_words = tokenizer == "word"
    name, path = _locate(source)
    parts = texts.read_folder(path) if path.is_dir() else texts.cut_file(path, split, fractions, seed, by_words)
    vocabulary = parts["train"] if path.is_dir() else "".join(parts.values())
    if windows == "padded" and not by_words:
        vocabulary += "\n"  # which closes every line, also where the text has a single one
    known = tokenizers.of_text(tokenizer, vocabulary, min_count)
    splits = {part: _split(part, text, known, windows, path) for part, text in parts.items()}
    return Dataset(name, **splits, tokenizer=known)


def of_recipe(data: Data) -> Dataset:
    """Load what the section `data` of a recipe asks for. Raises what `load_dataset` raises."""
    words = {"tokenizer": data.tokenizer, "min_count": data.min_count}
    return load_dataset(data.name, data.windows, data.split, data.fractions, **words)


def _split(name: str, text: str, tokenizer: Tokenizer, windows: str, path: Path) -> Split:
    try:
        tokens = tokenizer.encode(text)
    except ValueError as error:
        raise ValueError(f"{path / name}.txt: {error}") from None
    tokens.setflags(write=False)
    return Split(name, text, tokens, tokenizer.delimiter, windows)


def _locate(source: str | os.PathLike) -> tuple[str, Path]:
    """The data set's name and its path, downloaded if need be."""
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
