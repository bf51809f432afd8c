"""Text files, and how one is cut into train, val and test."""

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from ..numbers.rng import RNG

PARTS = ("train", "val", "test")
CUTS = ("lines", "position")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without a byte order mark and with "\\n" for "\\r\\n".

    Raises OSError, and ValueError for an empty file and, with the byte's offset, for one that is not UTF-8.
    """
    if not path.exists():
        raise FileNotFoundError(f"no file {path}: a data folder holds train.txt, val.txt and test.txt")
    if not (path.is_file() or path.is_dir()):  # a device may never end, and a recipe from elsewhere names one
        raise OSError(f"{path} is no regular file; copy the text into one")
    try:
        text = path.read_bytes().decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: bad byte at offset {error.start}; convert it to UTF-8 first") from None
    if not text:
        raise ValueError(f"{path} is empty: it must hold some text")
    return text


def read_folder(folder: Path) -> dict[str, str]:
    """The texts of train.txt, val.txt and test.txt; raises what `read_text` raises."""
    return {part: read_text(folder / f"{part}.txt") for part in PARTS}


def cut_file(path: Path, cut: str, fractions: Sequence[float], seed: int, whole_words: bool = False) -> dict[str, str]:
    """The text of one file in three: its lines in the order RNG(seed).permutation, or its characters as they stand.

    Of n pieces the train part has the first floor(n f), f the first fraction; of two fractions the second is that of
    val and test, which are then the same. With `whole_words` a cut among characters
    moves on past the next white space, and so parts no word and no paragraph. Raises ValueError if a part gets none.
    """
    text, ends = read_text(path), _ends(fractions)
    lines = text.removesuffix("\n").split("\n")
    pieces = [f"{lines[i]}\n" for i in RNG(seed).permutation(len(lines))] if cut == "lines" else text
    first, second = (int(len(pieces) * end) for end in ends)
    if cut == "position" and whole_words:
        first, second = (_after_white_space(text, end) for end in (first, second))
    texts = ["".join(part) for part in (pieces[:first], pieces[first:second], pieces[second:])]
    if len(fractions) == 2:
        texts[2] = texts[1]
    if not all(texts):
        unit, remedy = ("lines", "set data.split=position") if cut == "lines" else ("characters", "take a longer text")
        raise ValueError(f"{path} is too short to be split in three by {cut}, {unit}: {len(pieces)}; {remedy}")
    return dict(zip(PARTS, texts, strict=True))


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
