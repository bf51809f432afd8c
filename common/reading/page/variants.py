"""The other versions of an operation, folded under its column: fast and strict C, strict numpy, one call of PyTorch."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import Any

from nnz.backend import spec
from nnz.numbers.precisions import NATIVE, STRICT

from ..sources import c_source, python_source
from ..sources.columns import Column
from ..sources.counting import code_lines
from ..sources.highlight import highlighted
from ..sources.places import Tree
from ..sources.source_pages import Sources
from .figures import Figures

PLAIN = {"c": "nnz.c.plain"}  # the backend that computes with what the column shows, where it is not the column's own
FAST, FUSED = "fast", "fused"
ONE_CALL = {"attention_forward": "fused_attention"}  # of torch, for what it also spells out
FILES = {  # backend -> version -> its file
    "c": {FAST: "{model}_c/fast/{op}.c", STRICT: "mlp_c/strict/{op}.c"},
    "numpy": {STRICT: "mlp_numpy/strict_ops.py"},
    "torch": {FUSED: "{model}_torch/ops/{op}.py", STRICT: "mlp_torch/strict_ops.py"},
}
ABOUT = {
    FAST: "The same function, made fast. A test compares it with the plain one.",
    FUSED: "The same by one call of PyTorch's own kernel, which keeps no probs: what the GPT takes without a mask.",
    STRICT: "Every number that it stores is the float32 nearest to the exact result of its step.",
}
SAME = {
    FAST: "There is no other version: the plain one is as fast.",
    STRICT: "There is no other version: this one is strict as it is.",
}


def variants(sources: Sources, figures: Figures, op: str, function: str, column: Column) -> list[dict[str, Any]]:
    """What the template shows of each version: its lines, its time and how much faster or slower it is."""
    found = []
    plain_lines = code_lines(_cut(column.text, function, column.file), column.file.endswith(".py"))
    plain_time = figures.time(function, PLAIN.get(column.backend, column.backend))
    model = spec.OPS[op].model
    for version, pattern in FILES[column.backend].items():
        if (version == STRICT and model == "gpt") or (version == FUSED and function not in ONE_CALL):
            continue  # strict float32 is the MLP's
        file = pattern.format(op=op, model=model)
        numbers = _numbers(sources.tree, file, ONE_CALL[function] if version == FUSED else function)
        time = figures.time(function, column.backend, precision=STRICT if version == STRICT else NATIVE)
        time = None if version == FUSED else time
        shown = {
            "version": version,
            "about": ABOUT[version] if numbers else SAME[version],
            "file": file if numbers else "",
        }
        shown |= {"time": time, "plain_time": plain_time, "plain_lines": plain_lines, "code": [], "includes": []}
        if numbers:
            text = sources.tree.text(file)
            shown |= _listing(sources, text, file, numbers, column)
            headers = {
                name: code_lines(sources.tree.text(name), False)
                for name in includes(sources.tree, file)
                if "/ops/" not in name
            }
            shown["includes"] = [(name, sources.href(name)) for name in headers]
            shown["included_lines"] = sum(headers.values())
            shown["runs"] = figures.of(function, column.backend) if version == FAST else []
        found.append(shown)
    return found


def _numbers(tree: Tree, file: str, function: str) -> list[int]:
    """The lines of the function and its helpers; none where the file, or the function in it, is not there."""
    if not tree.path(file).is_file():
        return []
    text = tree.text(file)
    return c_source.with_helpers(text, function) if file.endswith(".c") else _python_numbers(text, function)


def _python_numbers(text: str, function: str) -> list[int]:
    """Of a Python file: the function, and what it uses of the file's own, whose names begin with _."""
    waiting, numbers = [function], set()
    while waiting:
        node = python_source.definition(text, waiting.pop())
        if node is not None and node.lineno not in numbers:
            numbers.update(range(node.lineno, node.end_lineno + 1))
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            waiting += [name for name in names if name.startswith("_")]
    return sorted(numbers)


def _cut(text: str, function: str, file: str) -> str:
    numbers = c_source.with_helpers(text, function) if file.endswith(".c") else _python_numbers(text, function)
    return _of(text, numbers)


def _of(text: str, numbers: list[int]) -> str:
    lines = text.splitlines()
    return "\n".join(lines[number - 1] for number in numbers)


def _listing(sources: Sources, text: str, file: str, numbers: list[int], column: Column) -> dict[str, Any]:
    html, lines = highlighted(text, posixpath.splitext(file)[1], column.symbols.get), text.splitlines()
    code = [
        {"number": n, "html": html[n - 1], "indent": len(lines[n - 1]) - len(lines[n - 1].lstrip())}
        for n in numbers
        if lines[n - 1].strip()
    ]
    return {
        "code": code,
        "lines": code_lines(_of(text, numbers), file.endswith(".py")),
        "href": sources.href(file, numbers[0]),
    }


def includes(tree: Tree, file: str) -> list[str]:
    """The files that a C file includes, and those that they include; none for a Python file."""
    found: list[str] = []
    waiting = [file] if file.endswith(".c") else []
    while waiting:
        name = waiting.pop(0)
        for header in re.findall(r'^#include "(.*)"', tree.text(name), re.MULTILINE):
            header = posixpath.normpath(posixpath.join(posixpath.dirname(name), header))
            if header not in found:
                found.append(header)
                waiting.append(header)
    return found
