"""Who ran: the Python modules and the compiled functions seen while a backend was at work."""

from __future__ import annotations

import sys
from types import FrameType, TracebackType
from typing import Any

from nnz.backend import registry


class Witness:
    """While entered, notes the module of every Python function that runs, through the profiling hook of Python.

    A backend that quietly hands its work to another is found out by this. Threads that it starts are not seen.
    """

    def __init__(self, module_name: str) -> None:
        self.module_name = module_name
        self.modules: set[str] = set()
        self._before: Any = None

    def __enter__(self) -> Witness:
        self._before = sys.getprofile()
        sys.setprofile(self._see)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        sys.setprofile(self._before)

    def others(self) -> tuple[str, ...]:
        """The project's own backends that ran, other than the one under test."""
        return tuple(own for own in registry.modules() if own != self.module_name and self._ran(own))

    def shared_objects(self) -> tuple[str, ...]:
        """The files of the compiled modules loaded from inside the backend's package."""
        inside = (m for name, m in list(sys.modules.items()) if name.startswith(f"{self.module_name}."))
        files = {getattr(module, "__file__", None) or "" for module in inside}
        return tuple(sorted(file for file in files if file.endswith((".so", ".pyd", ".dylib"))))

    def _ran(self, package: str) -> bool:
        return any(f"{name}.".startswith(f"{package}.") for name in self.modules)

    def _see(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self.modules.add(frame.f_globals.get("__name__", ""))
