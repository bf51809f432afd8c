"""Where a backend computes a tensor: the file and line of the op's function."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any

from nnz.backend import spec

from ..checks.backend_under_test import NotThere, Subject, Wrong

# tensor of the MLP, in walking order -> the function that computes it
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


def source_of(subject: Subject, tensor: str) -> str:
    """`path:line  function`: a compiled source beside the ops if there is one, else Python's, else the MLP itself."""
    name = COMPUTED_BY[tensor]
    try:
        function = subject.find(f"ops.{name}")
    except (NotThere, Wrong):
        way = "backward" if tensor.startswith("d") else "__call__"
        return f"{_place(getattr(subject.find('MLP'), way, None))}  MLP.{way}"
    return f"{_compiled(subject, name) or _place(function)}  {name}"


def _compiled(subject: Subject, name: str) -> str:
    """The definition in a file named after the op, beside the Python of nn.ops; empty if there is none."""
    folder = Path(getattr(subject.find("ops"), "__file__", None) or "nowhere").parent
    stem = next((op.name for op in spec.OPS.values() if any(f.name == name for f in op.functions)), name)
    for path in (folder / f"{stem}{suffix}" for suffix in COMPILED):
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            for number, line in enumerate(lines, start=1):
                if re.search(rf"\b{name}\s*\(", line) and not COMMENT.match(line):
                    return f"{_short(path)}:{number}"
    return ""


def _place(function: Any) -> str:
    """Where Python says that the function is defined, under whatever wraps it."""
    try:
        function = inspect.unwrap(function)
        return f"{_short(Path(inspect.getsourcefile(function)))}:{inspect.getsourcelines(function)[1]}"
    except (TypeError, OSError, ValueError):
        return "(no source at hand)"


def _short(path: Path) -> str:
    """Relative to the current folder, where it lies below it."""
    here = Path(os.getcwd())
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
