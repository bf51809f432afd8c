"""Where a backend computes a tensor: the file and line of the function."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any

from nnz.backend import spec

from ..checks.backend_under_test import BackendUnderTest, NotThere, Wrong

# tensor of the MLP, in order of computation -> the function that computes it
COMPUTED_BY: dict[str, str] = {
    "emb": "embedding_forward",
    "h_pre": "linear_forward",
    "h": "tanh_forward",
    "logits": "linear_forward",
    "probs": "cross_entropy_forward",
    "loss": "cross_entropy_forward",
    "dlogits": "cross_entropy_backward",
    "dfc2.weight": "linear_backward",
    "dfc2.bias": "linear_backward",
    "dh": "linear_backward",
    "dh_pre": "tanh_backward",
    "dfc1.weight": "linear_backward",
    "dfc1.bias": "linear_backward",
    "demb": "linear_backward",
    "dwte": "embedding_backward",
}
COMPILED = (".c", ".cc", ".cpp", ".cu", ".rs", ".pyx")
COMMENT = re.compile(r"^\s*(//|\*|/\*)")  # a line of comment


def source_of(backend: BackendUnderTest, tensor: str) -> str:
    """`path:line  function`: the compiled source next to the ops, else the Python source, else the MLP."""
    name = COMPUTED_BY[tensor]
    try:
        function = backend.find(f"ops.{name}")
    except (NotThere, Wrong):
        way = "backward" if tensor.startswith("d") else "__call__"
        return f"{_place(getattr(backend.find('MLP'), way, None))}  MLP.{way}"
    return f"{_compiled(backend, name) or _place(function)}  {name}"


def _compiled(backend: BackendUnderTest, name: str) -> str:
    """The definition in a file named after the op, next to the Python file of nn.ops or to its folder; else empty."""
    folder = Path(getattr(backend.find("ops"), "__file__", None) or "nowhere").parent
    folders = (folder, folder.parent / "fast", folder.parent / "ops")
    stem = next((op.name for op in spec.OPS.values() if any(f.name == name for f in op.functions)), name)
    for path in (place / f"{stem}{suffix}" for place in folders for suffix in COMPILED):
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            for number, line in enumerate(lines, start=1):
                if re.search(rf"\b{name}\s*\(", line) and not COMMENT.match(line):
                    return f"{_short(path)}:{number}"
    return ""


def _place(function: Any) -> str:
    """Where the function itself, without decorators, is defined."""
    try:
        function = inspect.unwrap(function)
        return f"{_short(Path(inspect.getsourcefile(function)))}:{inspect.getsourcelines(function)[1]}"
    except (TypeError, OSError, ValueError):
        return "(source not found)"


def _short(path: Path) -> str:
    """Relative to the current folder, if the file is in it."""
    here = Path(os.getcwd())
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
