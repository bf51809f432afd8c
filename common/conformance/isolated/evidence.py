"""What a worker used that is not its own: seen from outside, and told by a hook that it cannot remove."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from nnz.backend import registry

ORACLE, TORCH = "nnz.conformance", "torch"
OWN_OF_WORKER = (f"{ORACLE}.isolated",)
CAPACITY = 2**20  # of the pipe, on Linux: who fills it waits for ever
CODE = (".py", ".pyc", ".so", ".pyd", ".dylib", ".c", ".h")


class Evidence:
    """The packages that a worker borrowed from: `found`."""

    def __init__(self) -> None:
        self.module_name = ""
        self.found: set[str] = set()
        self._mapped: set[str] = set()
        self._pipe, self._rest = -1, b""
        packages = (*registry.modules(), "nnz.gpt", ORACLE, "torch")
        self._folders = {name: _folder(name) for name in packages}

    @property
    def folders(self) -> list[str]:
        """Where the packages of nnz lie whose files are watched."""
        return [folder + os.sep for name, folder in self._folders.items() if folder and name != "torch"]

    def listen(self, pipe: int) -> None:
        """Read the evidence of a new worker from this file descriptor."""
        os.set_blocking(pipe, False)
        with suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CAPACITY)
        self._pipe, self._rest = pipe, b""

    def hang_up(self) -> None:
        os.close(self._pipe)
        self._pipe = -1

    def look(self, pid: int) -> None:
        """Take in what was told, and what is loaded in the memory of the process."""
        with suppress(BlockingIOError):
            while self._pipe >= 0 and (piece := os.read(self._pipe, 2**16)):
                self._rest += piece
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._weigh(*line.decode("utf-8", "replace").partition(" ")[::2])
        if sys.platform == "linux":
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
                    self._mapped.add(line[line.index("/") :] if "/" in line else "")
                for path in self._mapped:
                    self._weigh("open", path)

    def shared_objects(self) -> tuple[str, ...]:
        """The compiled modules of the package of the backend that were loaded."""
        folder = _folder(self.module_name)
        return tuple(sorted(p for p in self._mapped if folder and p.startswith(folder + os.sep) and p.endswith(CODE)))

    def _weigh(self, event: str, what: str) -> None:
        for package, folder in self._folders.items():
            named = event == "import" and f"{what}.".startswith(f"{package}.")
            opened = event == "open" and folder and what.startswith(folder + os.sep) and what.endswith(CODE)
            if (named or opened) and not self._allowed(package, what):
                self.found.add(package)

    def _allowed(self, package: str, what: str) -> bool:
        """Its own package; torch, but in the place of our C or numpy; of the grading the worker's own files."""
        if package == self.module_name or f"{self.module_name}.".startswith(f"{package}."):
            return True
        if package == TORCH:
            return self.module_name not in ("nnz.c", "nnz.numpy")
        own = what in (ORACLE, *OWN_OF_WORKER) or what.startswith(tuple(f"{o}." for o in OWN_OF_WORKER))
        base = self._folders[ORACLE] or ""
        return package == ORACLE and (own or what.startswith((f"{base}{os.sep}isolated{os.sep}", f"{base}{os.sep}__")))


def _folder(package: str) -> str:
    """Where a package lies; empty if it is not there. It is not imported."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return ""
    places = spec.submodule_search_locations if spec is not None else None
    return os.path.realpath(next(iter(places))) if places else ""
