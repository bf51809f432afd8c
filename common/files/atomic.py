"""Write files so that at any moment the old one or the new one is there, never a part."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LONGEST = 60  # characters of the name in a temporary one, which may have 255 bytes


@contextmanager
def replacing(path: Path, lasting: bool = True) -> Iterator[Path]:
    """Yield a temporary name to write to, which no other writer has; without an error that file then replaces `path`.

    If `lasting`, the new file is on the disk before it takes the name, and the name before this returns.
    A link is replaced, not followed. What is written to a pipe or a device, such as /dev/stdout, goes into it at the
    end. Raises OSError that names `path`; `path` is then unchanged.
    """
    with _naming(path):
        if checked_stream(path):
            with tempfile.TemporaryDirectory() as folder:
                yield (temporary := Path(folder) / "content")
                _pour(temporary, path)
            return
        _sweep(path)
        temporary, handle = _create(path)
        try:
            yield temporary
            if lasting:
                sync(temporary)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):  # report the first error
                temporary.unlink()
            raise
        finally:
            if handle is not None:
                os.close(handle)  # and with it the lock
        if lasting:
            sync(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace the file by `text` in UTF-8, with its line ends unchanged. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, content: Any) -> None:
    """Replace the file by `content` as JSON. Raises OSError, and ValueError for a NaN or an infinity."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def try_out(path: Path) -> None:
    """Raise the OSError of a file that cannot be written now, not after minutes of work. Changes nothing."""
    with _naming(path):
        if checked_stream(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(f"cannot write into {path}: permission denied")
            return
        temporary, handle = _create(path)
        temporary.unlink()
        if handle is not None:
            os.close(handle)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Raises OSError."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error name the file that the caller knows: that of a write names none, others the temporary one."""
    try:
        yield
    except OSError as error:
        ours = error.filename is None or os.fspath(error.filename).endswith(".tmp")
        if error.errno and ours:
            error.filename = str(path)
            del error.filename2  # that of a rename
        raise


def is_stream(path: Path) -> bool:
    """Whether to write into the file, not over it; also of what cannot be written it says no, and raises nothing."""
    try:
        return checked_stream(path)
    except OSError:
        return False


def checked_stream(path: Path) -> bool:
    """Whether to write into the file, not over it. Raises OSError for what is neither a file nor made to be written."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        return True
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(f"{path} is not a regular file; give the name of one")
    folder = os.path.realpath(path.parent)
    return folder == "/dev" or folder.startswith("/proc/")  # /dev/stdout may lead to a regular file


def _pour(content: Path, path: Path) -> None:
    """Copy into a pipe or a device. Without a reader, a pipe with a name is an error, where it would wait for ever."""
    try:
        handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise OSError(f"nobody reads the pipe {path}; start its reader first") from None
    with open(handle, "wb") as target, open(content, "rb") as source:
        if hasattr(os, "set_blocking"):
            os.set_blocking(handle, True)
        shutil.copyfileobj(source, target)


def _create(path: Path) -> tuple[Path, int | None]:
    """Make a temporary file next to `path`; a lock on it tells others that its writer lives.

    build/mlp makes the same names and locks.
    """
    while True:
        temporary = path.with_name(f".{path.name[:LONGEST]}.{os.urandom(4).hex()}.tmp")
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)  # follows no link
        if fcntl is None:  # Windows does not rename an open file
            os.close(handle)
            return temporary, None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lost = os.fstat(handle).st_nlink == 0
        except OSError as error:  # another is sweeping it away; or the file system has no locks, and nobody sweeps
            lost = isinstance(error, BlockingIOError)
        if not lost:
            return temporary, handle
        os.close(handle)


def _sweep(path: Path) -> None:
    """Remove what killed writers of `path` left."""
    if fcntl is None:
        return
    ours = re.compile(rf"\.{re.escape(path.name[:LONGEST])}\.[0-9a-f]{{8}}\.tmp")
    with suppress(OSError):
        for name in filter(ours.fullmatch, os.listdir(path.parent)):
            with suppress(OSError):
                handle = os.open(path.parent / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(path.parent / name)
                finally:
                    os.close(handle)
