"""Where a backend computes a tensor: the file and line of the function."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from nnz.backend import spec

from ..bounds import derived as bounds
from ..cases.mlp import MLPCase
from ..checks.backend_under_test import Array, BackendUnderTest, NotThere, Wrong, compare_all
from ..checks.ops import call_op
from ..oracle import ops as oracle_ops

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


def source_of(backend: BackendUnderTest, name: str, caller: tuple[str, ...]) -> str:
    """`path:line  function` of the op `name`: the compiled source next to the ops, else the Python source.

    Without such an op it is that of the `caller`, a class and the names that the method may have.
    """
    try:
        function = backend.find(f"ops.{name}")
    except (NotThere, Wrong):
        return caller_of(backend, *caller)
    return f"{_compiled(backend, name) or _place(function)}  {name}"


def caller_of(backend: BackendUnderTest, kind: str, *methods: str) -> str:
    """`path:line  Class.method`, of the first of these methods that the class has in its own module."""
    owner = backend.find(kind)
    package = str(getattr(owner, "__module__", "")).rpartition(".")[0]
    found = [m for m in methods if hasattr(owner, m)]
    own = [m for m in found if str(getattr(getattr(owner, m), "__module__", "")).startswith(package)]
    way = (own or found or methods)[0]
    return f"{_place(getattr(owner, way, None))}  {kind}.{way}"


def caller(tensor: str) -> tuple[str, ...]:
    """The class that calls the op of a tensor of the MLP, and the names that its method may have."""
    return ("MLP", "_backward", "backward") if tensor.startswith("d") else ("MLP", "_forward", "forward", "__call__")


def given_to(tensor: str, case: MLPCase, v: dict[str, Array]) -> dict[str, Any]:
    """What the op that computes a tensor of the MLP is given; `v` are the oracle's tensors."""
    w, flat = case.weights, v["emb"].reshape(len(case.inputs), -1)
    layer, x, dy = (
        ("fc2", v["h"], v["dlogits"]) if tensor in ("logits", "dh") or "fc2" in tensor else ("fc1", flat, v["dh_pre"])
    )
    return {
        "embedding_forward": {"wte": w["wte"], "ids": case.inputs},
        "linear_forward": {"x": x, "w": w[f"{layer}.weight"], "b": w[f"{layer}.bias"]},
        "tanh_forward": {"x": v["h_pre"]},
        "cross_entropy_forward": {"logits": v["logits"], "targets": case.targets},
        "cross_entropy_backward": {"probs": v["probs"], "targets": case.targets},
        "linear_backward": {"dy": dy, "x": x, "w": w[f"{layer}.weight"]},
        "tanh_backward": {"dy": v["dh"], "y": v["h"]},
        "embedding_backward": {"demb": v["demb"], "ids": case.inputs, "V": case.sizes["V"]},
    }[COMPUTED_BY[tensor]]


def right_by_itself(backend: BackendUnderTest, name: str, given: dict[str, Any], dtype: str) -> bool:
    """Whether the backend has the op and what it computes of these arguments is right, so that its caller is wrong."""
    case = {k: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for k, v in given.items()}
    try:
        actual = call_op(backend, backend.find(f"ops.{name}"), name, case)
        found = compare_all(actual, oracle_ops.outputs(name, case), bounds.op_bounds(name, case, dtype), dtype)
    except (NotThere, Wrong):
        return False
    return all(m.by_t1_alone().ok for m in found)


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
