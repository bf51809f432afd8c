"""What a worker used that is not its own: seen from outside, and told by a hook that it cannot remove.

Not seen is what Python does not tell: the files that compiled code opens and the processes that it starts, as by ctypes
or `_posixsubprocess`; what a compiler or an installed library starts, or a program that has the name of a compiler; and
what comes after the hook was found in the memory of the process and changed. So it finds borrowing, but does not make
it impossible.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from nnz.backend import by_path, registry

ORACLE, TORCH = "nnz.conformance", "torch"
OWN_OF_WORKER = (f"{ORACLE}.isolated",)
HIDDEN = "what it hid, as it closed the connection that tells what it opens"
PROCESS = "a process whose work is not seen"
GRACE = 5.0  # seconds in which a process ends whose files are closed
CODE = (".py", ".pyc", ".so", ".pyd", ".dylib", ".c", ".h")


class Evidence:
    """The packages that a worker borrowed from, and what else it used in their place: `found`.

    `name` is the backend's as it was asked for; what the worker says of itself is never believed. Raises UsageError.
    """

    def __init__(self, name: str) -> None:
        self.module_name = by_path.module_name(name)
        self.found: set[str] = set()
        self._mapped: set[str] = set()
        self._told: socket.socket | None = None
        self._rest = b""
        packages = (*registry.modules(), "nnz.gpt", ORACLE, TORCH)
        self._folders = {package: _folder(package) for package in packages}
        place = by_path.place_of(name)
        self.place = os.path.realpath(place) if place is not None else ""

    @property
    def folders(self) -> list[str]:
        """Where the packages of nnz lie whose files are watched."""
        return [folder for package, folder in self._folders.items() if folder and package != TORCH]

    def listen(self, told: socket.socket) -> None:
        """Read the evidence of a new worker from this socket: a pipe could be emptied by way of /proc."""
        told.setblocking(False)
        self._told, self._rest = told, b""

    def look(self, process: subprocess.Popen) -> None:
        """Take in what was told, and what is loaded in the memory of the process."""
        if self._told is not None and not self._listened(self._told):
            self._told = None
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self.found.add(HIDDEN)
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._weigh(*line.decode("utf-8", "replace").partition(" ")[::2])
        if sys.platform == "linux":
            with suppress(OSError):
                for line in Path(f"/proc/{process.pid}/maps").read_text(errors="replace").splitlines():
                    self._mapped.add(line[line.index("/") :] if "/" in line else "")
                for path in self._mapped:
                    self._weigh("open", path)

    def shared_objects(self) -> tuple[str, ...]:
        """The compiled modules of the package of the backend that were loaded."""
        folder = self.place + os.sep
        return tuple(sorted(p for p in self._mapped if self.place and p.startswith(folder) and p.endswith(CODE)))

    def _listened(self, told: socket.socket) -> bool:
        """Take in what has come; False at its end."""
        try:
            while piece := told.recv(2**16):
                self._rest += piece
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def _weigh(self, event: str, what: str) -> None:
        if event == "start":
            self.found.add(f"{PROCESS} ({what})")
        for package, folder in self._folders.items():
            named = event == "import" and f"{what}.".startswith(f"{package}.")
            opened = event == "open" and folder and what.startswith(folder + os.sep) and what.endswith(CODE)
            if (named or opened) and not self._allowed(package, what):
                self.found.add(package)

    def _allowed(self, package: str, what: str) -> bool:
        """Its own package, and what lies in its folder; torch, but in the place of our C or numpy; of the grading the
        files of the worker."""
        if (package, self.module_name) == ("nnz.gpt", "nnz.torch"):  # gpt_torch/ has the GPT's operations of both
            return True
        if package == self.module_name or f"{self.module_name}.".startswith(f"{package}."):
            return True
        if package == TORCH:
            return self.module_name not in ("nnz.c", "nnz.numpy")
        own = what in (ORACLE, *OWN_OF_WORKER) or what.startswith(tuple(f"{o}." for o in OWN_OF_WORKER))
        base = self._folders[ORACLE] or ""
        return package == ORACLE and (own or what.startswith((f"{base}{os.sep}isolated{os.sep}", f"{base}{os.sep}__")))


def _folder(package: str) -> str:
    """Where a package of ours lies; empty if it is not there. It is not imported."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return ""
    places = spec.submodule_search_locations if spec is not None else None
    return os.path.realpath(next(iter(places))) if places else ""
