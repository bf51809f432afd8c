"""Write files so that at any moment the old one or the new one is there, never a part."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LONGEST = 60  # bytes of the name in a temporary one, which may have 255
MOST_LINKS = 40  # that Linux follows
STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}

_open_pipes: dict[tuple[int, int], int] = {}  # from check_writable to copy_into: a reader must not see their end before


@contextmanager
def replacing(path: Path, lasting: bool = True) -> Iterator[Path]:
    """Yield a temporary name to write to, which no other writer has; without an error that file then replaces `path`.

    If `lasting`, the new file is on the disk before it takes the name, and the name before this returns.
    A link is replaced, not followed. What is written to a pipe or a device, or to what this process has open, such as
    /dev/stdout, goes into it at the end. Raises OSError that names `path`; `path` is then unchanged.
    """
    with _naming(path):
        if checked_stream(path):
            with tempfile.TemporaryDirectory() as folder:
                yield (temporary := Path(folder) / "content")
                _copy_into(path, temporary)
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


def check_writable(path: Path) -> None:
    """Raise the OSError of a file that cannot be written now, not after minutes of work. Changes nothing.

    A pipe stays open until it is written into.
    """
    with _naming(path):
        if not checked_stream(path):
            temporary, handle = _create(path)
            temporary.unlink()
            if handle is not None:
                os.close(handle)
            return
        handle = _open_stream(path)
        status = os.fstat(handle)
        if stat.S_ISFIFO(status.st_mode) and _own_descriptor(path) is None:
            _open_pipes[status.st_dev, status.st_ino] = handle
        else:
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
    own = _own_descriptor(path)
    try:
        mode = os.stat(path).st_mode if own is None else os.fstat(own).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode) or own is not None:
        return True
    if not stat.S_ISREG(mode):
        raise OSError(f"{path} is not a regular file; give the name of one")
    folder = os.path.realpath(path.parent)
    return folder == "/dev" or folder.startswith("/proc/")


def _own_descriptor(path: Path) -> int | None:
    """The number of the open file of this process that the path names, as /dev/stdout and links to it do; else None."""
    for _ in range(MOST_LINKS):
        number = _named_descriptor(path)
        if number is not None or not path.is_symlink():
            return number
        path = path.parent / os.readlink(path)
    return None


def _named_descriptor(path: Path) -> int | None:
    folder = os.path.realpath(path.parent)
    if folder == "/dev" and path.name in STANDARD:
        return STANDARD[path.name]
    ours = folder in map(os.path.realpath, ("/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"))
    return int(path.name) if ours and re.fullmatch("[0-9]{1,9}", path.name) else None


def _open_stream(path: Path) -> int:
    """Open what is written into. A pipe that nobody reads is an error, where it would wait for ever.

    What this process has open is not opened again: in a regular file, that would write over its beginning.
    """
    own = _own_descriptor(path)
    if own is not None:
        if fcntl is not None and fcntl.fcntl(own, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), str(path))
        return os.dup(own)
    status = os.stat(path)
    held = _open_pipes.pop((status.st_dev, status.st_ino), None)
    if held is not None:
        return held
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise OSError(f"nobody reads the pipe {path}; start its reader first") from None


def _copy_into(path: Path, content: Path) -> None:
    """Copy the content into a pipe, a device, or what this process has open; there behind what is printed already."""
    for printed in (sys.stdout, sys.stderr):
        if printed is not None:
            printed.flush()
    handle = _open_stream(path)
    if hasattr(os, "set_blocking") and _own_descriptor(path) is None:
        os.set_blocking(handle, True)
    with open(handle, "wb") as target, open(content, "rb") as source:
        shutil.copyfileobj(source, target)


def _start_of_names(path: Path) -> str:
    """How the names of temporary files for `path` begin; eight hexadecimal digits and .tmp follow.

    A long name is cut between two characters of UTF-8.
    """
    name = os.fsencode(path.name)
    end = min(LONGEST, len(name))
    while 0 < end < len(name) and name[end] >> 6 == 2:
        end -= 1
    return f".{os.fsdecode(name[:end])}."


def _create(path: Path) -> tuple[Path, int | None]:
    """Make a temporary file next to `path`; a lock on it tells others that its writer lives.

    build/mlp makes the same names and locks.
    """
    while True:
        temporary = path.with_name(f"{_start_of_names(path)}{os.urandom(4).hex()}.tmp")
        try:
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)  # follows no link
        except FileExistsError:  # that of another writer
            continue
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
    ours = re.compile(rf"{re.escape(_start_of_names(path))}[0-9a-f]{{8}}\.tmp")
    with suppress(OSError):
        for name in filter(ours.fullmatch, os.listdir(path.parent)):
            with suppress(OSError):
                handle = os.open(path.parent / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(path.parent / name)
                finally:
                    os.close(handle)
