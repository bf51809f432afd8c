"""Whose code ran: the Python modules that were called, and the compiled modules that were loaded."""

from __future__ import annotations

import sys
from types import FrameType, TracebackType
from typing import Any

from nnz.backend import registry


class Provenance:
    """While entered, records the module of every Python function that is called, with Python's profiling hook.

    It finds a backend that passes its work on to another one. Threads that a backend starts are not recorded.
    """

    def __init__(self, module_name: str) -> None:
        self.module_name = module_name
        self.modules: set[str] = set()
        self._before: Any = None

    def __enter__(self) -> Provenance:
        self._before = sys.getprofile()
        sys.setprofile(self._record)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        sys.setprofile(self._before)

    def other_backends(self) -> tuple[str, ...]:
        """The project's own backends whose code ran, except the one under test."""
        return tuple(own for own in registry.modules() if own != self.module_name and self._ran(own))

    def shared_objects(self) -> tuple[str, ...]:
        """The files of the compiled modules loaded from inside the backend's package."""
        inside = (m for name, m in list(sys.modules.items()) if name.startswith(f"{self.module_name}."))
        files = {getattr(module, "__file__", None) or "" for module in inside}
        return tuple(sorted(file for file in files if file.endswith((".so", ".pyd", ".dylib"))))

    def _ran(self, package: str) -> bool:
        return any(f"{name}.".startswith(f"{package}.") for name in self.modules)

    def _record(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self.modules.add(frame.f_globals.get("__name__", ""))
