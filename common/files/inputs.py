"""Read what a user names: a regular file, and not more of it than such a file can need."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any, BinaryIO

MEBI, GIBI = 2**20, 2**30
TEXT, LOG, STATISTICS, JSON, RECIPE = 2 * GIBI, GIBI, GIBI, 64 * MEBI, 4 * MEBI  # the most bytes of each kind
GROWTH = MEBI  # while a file is read; and what is read of one that says it has 0 bytes, as those of /proc do


def open_file(path: str | os.PathLike) -> BinaryIO:
    """Open a regular file to read its bytes. Raises OSError, also for a pipe or a device, which may never end."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        if error.errno != errno.ENXIO:  # that of a socket
            raise
        raise OSError(f"{path} is not a regular file; copy its content into one") from None
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
        try:  # read takes memory for all it may get
            data = file.read(min(limit, size + GROWTH) + 1) if size <= limit else b""
        except OSError as error:  # which does not name the file
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    if max(size, len(data)) > limit:
        raise OSError(f"{path} is too large: {max(size, len(data)):,} bytes; at most {limit:,} are read")
    return data


def read_json(path: str | os.PathLike, content: Any = Any) -> Any:
    """The content of a JSON file. Raises OSError, and ValueError as parse_json does."""
    return parse_json(read_bytes(path, JSON), content)


def parse_json(text: bytes | str, content: Any = Any) -> Any:
    """The content of a JSON text, of a type that msgspec knows, such as dict or a msgspec.Struct.

    Raises ValueError that says what is wrong, and where: also for a text that is nested deeply, or has other types.
    """
    import msgspec  # here: most commands read no JSON

    try:
        return msgspec.json.decode(text, type=content)
    except RecursionError:
        raise ValueError("its lists are nested too deeply") from None
    except ValueError as error:
        raise ValueError(str(error)) from error
