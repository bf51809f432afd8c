"""Where in its sources a backend has a function, or raised an error: "file:line  function"."""

from __future__ import annotations

import inspect
import os
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

LONGEST = 300  # characters


def of(module: ModuleType, path: str) -> str:
    """Where a function or class of the module is defined, given by its path, as in "ops.tanh_forward".

    Empty if that is not known: it is compiled, or not there.
    """
    found: Any = module
    try:
        for name in path.split("."):
            found = getattr(found, name)
    except Exception:  # an attribute may be anything
        return ""
    return of_object(found, path.removeprefix("ops."))


def of_object(found: Any, name: str) -> str:
    """Where a function or class, without its decorators, is defined; empty if that is not known."""
    try:
        found = inspect.unwrap(getattr(found, "__func__", found))
        return shown(inspect.getsourcefile(found), inspect.getsourcelines(found)[1], name)
    except Exception:
        return ""


def of_error(error: BaseException, module: ModuleType | None) -> str:
    """Where the module raised the error: the last line of its own; if it has none, of any that is not nnz's."""
    try:
        if isinstance(error, SyntaxError) and error.filename:
            return shown(error.filename, error.lineno or 1, "")
        frames = [f for f in traceback.extract_tb(error.__traceback__) if os.path.isfile(f.filename)]
        own = os.path.realpath(str(getattr(module, "__file__", None) or "nowhere"))
        own = os.path.dirname(own) + os.sep if hasattr(module, "__path__") else own
        ours = str(Path(__file__).resolve().parents[1]) + os.sep
        inside = [f for f in frames if os.path.realpath(f.filename).startswith(own)]
        found = inside or [f for f in frames if not os.path.realpath(f.filename).startswith(ours)]
        return shown(found[-1].filename, found[-1].lineno, found[-1].name) if found else ""
    except Exception:
        return ""


def shown(file: str, line: int | None, name: str) -> str:
    """`file:line  name`, relative to the current folder, if the file is in it."""
    here = Path(os.getcwd())
    shown = Path(file).relative_to(here) if Path(file).is_relative_to(here) else file
    return f"{shown}:{line}  {name}".rstrip()[:LONGEST]
