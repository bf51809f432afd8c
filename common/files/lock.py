"""One run in a folder at a time: a lock that the system releases when the process ends, however it ends."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from .terminal import note

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # the errors of a file system without locks


class FolderInUse(OSError):
    """Another run holds the folder."""


class RunLock:
    """A context in which no other run can lock `path`; the file says who holds the lock. A file alone is not a lock.

    build/mlp takes the same lock (flock) and writes the same line. On Windows nothing is locked.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, None

    def take(self) -> None:
        """Take the lock, unless it is held already. Raises FolderInUse that names the holder, or another OSError."""
        while self._file is None and fcntl is not None:
            file = open(self._path, "a+b", buffering=0, opener=_no_link)  # noqa: SIM115  (open as long as it is locked)
            try:
                self._lock(file)
                if self._is_at_its_name(file):  # else its last holder removed it, and there may be another now
                    self._file = file
            finally:
                if self._file is None:
                    file.close()

    def release(self) -> None:
        """Release the lock and remove the file, if the lock is held."""
        file, self._file = self._file, None  # first: Ctrl-C may come between any two lines of the rest
        if file is not None:
            with file, suppress(OSError):  # the lock is released anyway
                if self._is_at_its_name(file):
                    self._path.unlink()

    def __del__(self) -> None:
        self.release()

    def __enter__(self) -> RunLock:
        self.take()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def _lock(self, file: BinaryIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(500).decode(errors="replace").strip() or "another process"
            raise FolderInUse(
                f"{self._path.parent} is in use by {holder}; wait until it ends, or give another folder"
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            note(f"{self._path.parent} cannot be locked ({error.strerror}): let no other run use it meanwhile")
        file.truncate(0)
        file.write(_myself())

    def _is_at_its_name(self, file: BinaryIO) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), os.stat(self._path))
        except FileNotFoundError:  # the folder may be gone too
            return False


def _no_link(path: str, flags: int) -> int:
    """Open the file, but not a link: in another's folder it could lead to another place, which would be written to."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _myself() -> bytes:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()} since {now}\n".encode()
