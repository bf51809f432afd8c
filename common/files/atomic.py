"""Files that are at every instant the old one or the new one, whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, lasting: bool = True) -> Iterator[Path]:
    """Give a name beside `path` to write to; on leaving without an error, put that file in the place of `path`.

    If it is to be `lasting`, the new file reaches the disk before it takes the name, and the name before this returns.
    Raises OSError; `path` is then as it was.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with suppress(FileNotFoundError):
            temporary.unlink()  # of a run that was killed; or, in a folder from elsewhere, a link to another place
        yield temporary
        if lasting:
            sync(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # a write that fails does not say where
        with suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise
    if lasting:
        sync(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace the file by `text` in UTF-8, with line ends as they are in it. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Raises OSError."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
