"""Read what a user names: a regular file, and not more of it than such a file can need."""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import Any, BinaryIO

from .errors import quoted

MEBI, GIBI = 2**20, 2**30
TEXT, LOG, STATISTICS, JSON, RECIPE = 2 * GIBI, GIBI, GIBI, 64 * MEBI, 4 * MEBI  # the most bytes of each kind
LARGEST = 1e300


def open_file(path: str | os.PathLike) -> BinaryIO:
    """Open a regular file to read its bytes. Raises OSError, also for a pipe or a device, which may never end."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        raise OSError(f"{path} is not a regular file; copy its content into one")
    return open(handle, "rb")


def read_bytes(path: str | os.PathLike, limit: int) -> bytes:
    """The bytes of a regular file. Raises OSError, also for more than `limit` bytes."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(limit + 1) if size <= limit else b""
    if max(size, len(data)) > limit:
        raise OSError(f"{path} is too large: {max(size, len(data)):,} bytes; at most {limit:,} are read")
    return data


def read_json(path: str | os.PathLike) -> Any:
    """The content of a JSON file. Raises OSError, and ValueError as parse_json does."""
    return parse_json(read_bytes(path, JSON))


def parse_json(text: bytes | str) -> Any:
    """The content of a JSON text. Raises ValueError, also for one that is nested deeply, and for NaN and infinities."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("its lists are nested too deeply") from None


class Number:
    """A finite number, in the shapes of `misfit`."""


def misfit(content: Any, shape: Any, place: str = "it") -> str:
    """What in a JSON content differs from `shape`: a type, a list [shape] or a table {key: shape}; empty if nothing.

    A key with a "?" may be absent or null. Keys that the shape does not name may be there.
    """
    if isinstance(shape, list):
        if not isinstance(content, list):
            return f"{place} is not a list"
        return next(filter(None, (misfit(c, shape[0], f"{place}[{i}]") for i, c in enumerate(content))), "")
    if isinstance(shape, dict):
        if not isinstance(content, dict):
            return f"{place} is not a table"
        for key, inner in shape.items():
            name, optional = key.removesuffix("?"), key.endswith("?")
            if name not in content and not optional:
                return f"{place} lacks {name!r}"
            value = content.get(name)
            if not (optional and value is None) and (problem := misfit(value, inner, f"{place}.{name}")):
                return problem
        return ""
    if shape is Number:
        is_number = type(content) in (int, float) and abs(content) < LARGEST
        return "" if is_number else f"{place} is {quoted(content)}, not a finite number"
    return "" if isinstance(content, shape) else f"{place} is {quoted(content)}, not a {shape.__name__}"


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a number of JSON")
