"""The MLP's graph, read off its numpy source: each line that calls an op is a stage, the spec gives its shapes."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from nnz.backend import initial, spec

from ..sources import python_source
from ..sources.places import PageError, Tree
from .chain import Graph, Shape, Size, Stage, kept_by, shape_of

FILE, FORWARD, BACKWARD = "mlp_numpy/mlp.py", "MLP._forward", "MLP._backward"
B = "B"


def mlp(tree: Tree, V: int = 27, T: int = 3, E: int = 48, H: int = 512) -> Graph:
    """The graph, with letters for sizes. Raises PageError where backward does not undo forward."""
    V, T, E, H = Size(V, "V"), Size(T, "T"), Size(E, "E"), Size(H, "H")
    shapes: dict[str, Shape] = {"inputs": (B, T), "targets": (B,), **initial.mlp_shapes(V, T, E, H)}
    text = tree.text(FILE)
    stages = [stage for line in _assignments(text, FORWARD) if (stage := _stage(*line, shapes))]
    backward = [line for line in _assignments(text, BACKWARD) if _called(line[1]) in spec.FUNCTIONS]
    forward = [stage for stage in stages if stage.op != "flatten"]
    if [f"{stage.op}_backward" for stage in reversed(forward)] != [_called(value) for _, value in backward]:
        raise PageError(f"{FILE}: {BACKWARD} does not undo {FORWARD} op by op, so that the MLP cannot be drawn")
    named = {id(stage): targets for stage, (targets, _) in zip(reversed(forward), backward, strict=True)}
    stages = [replace(stage, gradient=_gradient(stage, named.get(id(stage)))) for stage in stages]
    about = "Three tokens to the probabilities of the fourth, as Bengio et al. wrote it in 2003."
    return Graph("mlp", about, ("inputs", (B, T)), tuple(stages), (V, T, E, H))


def _stage(targets: list[str], value: ast.expr, shapes: dict[str, Shape]) -> Stage | None:
    """The stage that an assignment makes; None for one that is no part of the graph. It adds the shapes it gives."""
    name = _called(value)
    if name == "reshape":
        source = value.func.value.id
        first, *rest = shapes[source]
        shapes[targets[0]] = (first, rest[0] * rest[1])
        return Stage("flatten", targets[0], shapes[targets[0]], f"d{source}")
    if name not in spec.FUNCTIONS:
        return None
    arguments = [_argument(argument) for argument in value.args]
    outputs = spec.FUNCTIONS[name].outputs
    for target, output in zip(targets, outputs, strict=True):
        shapes[target] = shape_of(name, output, [shapes[argument] for argument in arguments])
    op = name.removesuffix("_forward")
    parameters = tuple((a, shapes[a]) for a in arguments if a in ("wte", "targets") or "." in a)
    chained = next(a for a in arguments if a not in dict(parameters))
    return Stage(op, targets[0], shapes[targets[0]], f"d{chained}", parameters, kept_by(op))


def _gradient(stage: Stage, targets: list[str] | None) -> str:
    """What the backward calls the gradient that it hands on; nothing where the chain holds token ids."""
    if targets is None:
        return stage.gradient
    handed = [target for target in targets if target[1:] not in dict(stage.parameters)]
    return handed[0] if handed else ""


def _assignments(text: str, name: str) -> list[tuple[list[str], ast.expr]]:
    node = python_source.definition(text, name)
    if node is None:
        raise PageError(f"{FILE} does not define {name}, from which the MLP's graph is drawn")
    found = [part for part in ast.walk(node) if isinstance(part, ast.Assign)]
    found.sort(key=lambda part: part.lineno)
    return [(_targets(part.targets[0]), part.value) for part in found]


def _targets(node: ast.expr) -> list[str]:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return [_argument(part) for part in parts]


def _argument(node: Any) -> str:
    """emb, or dh of d["dh"]."""
    return node.slice.value if isinstance(node, ast.Subscript) else getattr(node, "id", "")


def _called(value: ast.expr) -> str:
    function = getattr(value, "func", None)
    return getattr(function, "id", None) or getattr(function, "attr", "")
