"""Write files so that at any moment the old one or the new one is there, never a part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, lasting: bool = True) -> Iterator[Path]:
    """Yield a temporary name next to `path` to write to; without an error that file then replaces `path`.

    If `lasting`, the new file is on the disk before it takes the name, and the name before this returns.
    Raises OSError; `path` is then unchanged.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with suppress(FileNotFoundError):
            temporary.unlink()  # left by a killed run; or, in another's folder, a link to another place
        yield temporary
        if lasting:
            sync(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # an error of a write does not name the file
        with suppress(OSError):  # report the first error
            temporary.unlink()
        raise
    if lasting:
        sync(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace the file by `text` in UTF-8, with its line ends unchanged. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Raises OSError."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
