"""What each backend adds, and how long it is: for the front page, and for the README."""

from __future__ import annotations

from dataclasses import dataclass

from nnz.backend import spec

from ..sources.columns import MLP_FILES, op_file
from ..sources.counting import code_lines
from ..sources.places import Tree

ADDS = {
    "c": ("Plain C", "nothing: every loop and every index is written out"),
    "numpy": ("numpy", "the array: each loop nest is one expression"),
    "torch": ("PyTorch", "autograd: the backward is derived, not written"),
}


@dataclass(frozen=True)
class Fact:
    """A backend, and the lines of code of its MLP and of all its ops."""

    backend: str
    title: str
    adds: str
    model: int
    ops: int


def facts(tree: Tree) -> list[Fact]:
    """One for each backend."""
    found = []
    for backend, (title, adds) in ADDS.items():
        files = [MLP_FILES[backend], *(op_file(backend, op) for op in spec.MLP_OPS)]
        model, *rest = (code_lines(tree.text(file), file.endswith(".py")) for file in files)
        found.append(Fact(backend, title, adds, model, sum(rest)))
    return found
