"""Where a backend computes a tensor: the file and line of the function."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np

from nnz.backend import places, spec

from ..bounds import derived as bounds
from ..checks.backend_under_test import BackendUnderTest, NotThere, Wrong, compare_all
from ..checks.ops import call_op
from ..oracle import ops as oracle_ops

COMPILED = (".c", ".cc", ".cpp", ".cu", ".rs", ".pyx")
COMMENT = re.compile(r"^\s*(//|\*|/\*)")  # a line of comment


def source_of(backend: BackendUnderTest, name: str, caller: tuple[str, ...]) -> str:
    """`path:line  function` of the op `name`: the compiled source next to the ops, else the Python source.

    Without such an op it is that of the `caller`, a class and the names that the method may have.
    """
    try:
        function = backend.find(f"ops.{name}")
    except (NotThere, Wrong):
        return caller_of(backend, *caller)
    return _compiled(backend, name, caller[0]) or _place(function, name)


def caller_of(backend: BackendUnderTest, kind: str, *methods: str) -> str:
    """`path:line  Class.method`, of the first of these methods that is where the class is; if none is, of the class."""
    owner = backend.find(kind)
    home = str(getattr(owner, "__module__", ""))
    package = home.rpartition(".")[0] or home  # a module of a single file is in none
    for method in methods:
        written_in = str(getattr(getattr(owner, method, None), "__module__", ""))
        if f"{written_in}.".startswith(f"{package}."):
            return _place(getattr(owner, method), f"{kind}.{method}")
    return _place(owner, kind)


def right_by_itself(backend: BackendUnderTest, name: str, given: dict[str, Any], dtype: str) -> bool:
    """Whether the backend has the op and what it computes of these arguments is right, so that its caller is wrong."""
    case = {k: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for k, v in given.items()}
    try:
        actual = call_op(backend, backend.find(f"ops.{name}"), name, case)
        found = compare_all(actual, oracle_ops.outputs(name, case), bounds.op_bounds(name, case, dtype), dtype)
    except (NotThere, Wrong):
        return False
    return all(m.by_t1_alone().ok for m in found)


def _compiled(backend: BackendUnderTest, name: str, model: str) -> str:
    """The definition in a file named after the op, next to the Python file of nn.ops or of the model; else empty."""
    files = getattr(backend.find("ops"), "__file__", None), _file(getattr(backend.module, model, None))
    folders = [Path(file or "nowhere").parent for file in files]
    folders = [folder / part for folder in folders for part in (".", "fast", "ops", "../fast", "../ops")]
    stem = next((op.name for op in spec.OPS.values() if any(f.name == name for f in op.functions)), name)
    for path in (place / f"{stem}{suffix}" for place in folders for suffix in COMPILED):
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            for number, line in enumerate(lines, start=1):
                if re.search(rf"\b{name}\s*\(", line) and not COMMENT.match(line):
                    return places.shown(str(path.resolve()), number, name)
    return ""


def _file(owner: Any) -> str | None:
    try:
        return inspect.getsourcefile(owner)
    except (TypeError, OSError):
        return None


def _place(function: Any, name: str) -> str:
    return places.of_object(function, name) or f"(source not found)  {name}"
