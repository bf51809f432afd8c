"""The GPT's graph, read off its source: which module follows which, how often, and what is added to what it came from.

Every `self.name(x)` of a forward is a stage of the kind that the class makes of that name; `x + self.name(x)` is a
block that may be skipped. Dropout is left out: it passes on what it gets when the model is used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from nnz.recipes import recipe

from ..sources.places import PageError, Tree
from .chain import Block, Graph, Item, Shape, Size, Stage, kept_by

FILES = ("gpt_torch/gpt.py", "gpt_torch/attention.py")
CONFIG = "common/backend/gpt_config.py"
VOCABULARY = 65  # of the recipe's text
BATCH = "B"


def gpt(tree: Tree) -> Graph:
    """The graph of the recipe `gpt`. Raises PageError for a line of which nothing can be made."""
    reader = _Reader(tree)
    items = tuple(reader.forward("GPT", ""))
    about = "Attention and a feed-forward, in turn, on a stream that passes through untouched."
    return Graph("gpt", about, ("idx", (BATCH, reader.sizes["T"])), items, tuple(reader.sizes.values()))


class _Reader:
    """Walks from a class's forward into those of the modules that it calls."""

    def __init__(self, tree: Tree) -> None:
        self.classes = {node.name: node for file in FILES for node in _body(tree, file, ast.ClassDef)}
        (config,) = _body(tree, CONFIG, ast.ClassDef)
        given = [node for node in config.body if isinstance(node, ast.AnnAssign) and node.value is not None]
        self.config = {node.target.id: ast.literal_eval(node.value) for node in given}
        model = recipe.load("gpt").model
        V, T = Size(VOCABULARY, "V"), Size(model.context_length, "T")
        self.sizes = {"V": V, "T": T, "E": Size(model.n_embd, "E")}
        self.layers, self.shape = model.n_layer, (BATCH, T)

    def forward(self, name: str, prefix: str, method: str = "forward") -> Iterator[Item]:
        """The stages of a class, in the order in which its forward computes them."""
        for statement in _method(self.classes[name], method).body:
            if isinstance(statement, ast.For):  # over the blocks
                inside = tuple(self._module(name, prefix, statement.iter.args[0].attr, ()))
                yield Block(inside, self.layers, skipped=False)
            elif isinstance(statement, ast.Assign | ast.Return) and statement.value is not None:
                yield from self._expression(name, prefix, statement.value)

    def _expression(self, name: str, prefix: str, node: ast.expr) -> Iterator[Item]:
        if isinstance(node, ast.Tuple):
            for part in node.elts:
                yield from self._expression(name, prefix, part)
        elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Name):
            yield Block(tuple(self._expression(name, prefix, node.right)), 1, skipped=True)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):  # of two embeddings
            found = [stage for part in (node.left, node.right) for stage in self._expression(name, prefix, part)]
            self.shape = (BATCH, self.sizes["T"], self.sizes["E"])
            weights = tuple(parameter for stage in found for parameter in stage.parameters)
            yield Stage("embedding", "x", self.shape, "", weights, kept_by("embedding"))
        elif isinstance(node, ast.IfExp):  # what the recipe does not switch on
            yield from self._expression(name, prefix, node.orelse)
        elif isinstance(node, ast.Call):
            yield from self._call(name, prefix, node)

    def _call(self, name: str, prefix: str, node: ast.Call) -> Iterator[Item]:
        called = getattr(node.func, "attr", "")
        if isinstance(getattr(node.func, "value", None), ast.Name) and node.func.value.id == "self":
            for argument in node.args[:1]:
                yield from self._expression(name, prefix, argument)
            yield from self._module(name, prefix, called, node.args)
        elif called == "reshape":
            self.shape = (BATCH, self.sizes["T"], self.sizes["E"])
            yield Stage("reshape", "", self.shape, "dy")
        elif called == "cross_entropy":
            targets = ("targets", (BATCH, self.sizes["T"]))
            yield Stage(called, "loss", (), "dlogits", (targets,), kept_by(called))

    def _module(self, name: str, prefix: str, called: str, arguments: Any) -> Iterator[Item]:
        """What `self.called(...)` computes: a method, the function that attends, or a module of __init__."""
        if called == "heads":
            self.shape = (BATCH, "nh", self.sizes["T"], "hs")
            yield Stage("reshape", "q k v", self.shape, "dx")
        elif called == "attend":
            yield Stage("attention", "y", self.shape, "dq dk dv")
        else:
            made = _made(self.classes[name], called)
            yield from self._made(made, f"{prefix}{called}.", called)

    def _made(self, made: ast.Call, prefix: str, called: str) -> Iterator[Item]:
        kind = getattr(made.func, "attr", getattr(made.func, "id", ""))
        if kind in self.classes:
            yield from self.forward(kind, "")
        elif kind == "ModuleList":
            yield from self.forward(made.args[0].elt.func.id, "")
        elif kind == "Embedding":
            yield Stage("embedding", "", self.shape, "", ((f"{prefix}weight", self._sizes(made)),))
        elif kind == "LayerNorm":
            width = (self.shape[-1],)
            yield Stage("layer_norm", "", self.shape, "dx", ((f"{prefix}weight", width), (f"{prefix}bias", width)))
        elif kind == "Linear":
            N, M = self._sizes(made)
            self.shape = (*self.shape[:-1], M)
            parameters = ((f"{prefix}weight", (M, N)), (f"{prefix}bias", (M,)))
            value = "logits" if called == "head" else ""
            yield Stage("linear", value, self.shape, "dx", parameters[: 1 + self._has_bias(made)], kept_by("linear"))
        elif kind in ("ReLU", "GELU"):
            yield Stage(kind.lower(), "", self.shape, "dx")
        elif kind != "Dropout":
            raise PageError(f"{FILES[0]}: {kind or called} is unknown, so the GPT cannot be drawn")

    def _sizes(self, call: ast.Call) -> Shape:
        return tuple(self._size(argument) for argument in call.args)

    def _size(self, node: ast.expr) -> Any:
        """E, 4 * E or 3."""
        if isinstance(node, ast.BinOp):
            return self._size(node.left) * self._size(node.right)
        return node.value if isinstance(node, ast.Constant) else self.sizes[node.id]

    def _has_bias(self, made: ast.Call) -> bool:
        field = next(keyword.value.attr for keyword in made.keywords if keyword.arg == "bias")
        return self.config[field]


def _made(node: ast.ClassDef, name: str) -> ast.Call:
    """What the class makes of self.name; of a choice by the config, the first."""
    for part in ast.walk(node):
        if isinstance(part, ast.Assign) and getattr(part.targets[0], "attr", "") == name:
            value = part.value
            return value.value.values[0] if isinstance(value, ast.Subscript) else value
    raise PageError(f"{FILES[0]}: {node.name} does not make {name}, so the GPT cannot be drawn")


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef:
    return next(part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == name)


def _body(tree: Tree, file: str, kind: type) -> list[Any]:
    return [node for node in ast.parse(tree.text(file)).body if isinstance(node, kind)]
