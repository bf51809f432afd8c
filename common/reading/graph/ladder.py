"""The graph of each rung of the ladder: the rung is built out of layers that hold nothing, and say what they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from nnz.recipes import models, recipe

from .chain import Block, Graph, Shape, Size, Stage, kept_by

LETTERS = {"context_length": "T", "embedding_size": "E", "hidden_size": "H"}
VOCABULARY = 27


@dataclass(frozen=True)
class Layer:
    """What a layer does to a shape, and which parameters it has."""

    op: str
    parameters: tuple[tuple[str, Shape], ...] = ()
    gives: Callable[[Shape], Shape] = lambda shape: shape
    inside: tuple[Any, ...] = ()


def rungs() -> list[Graph]:
    """The graphs of all rungs, from the bottom; recipes of one and the same rung share theirs."""
    named: dict[Callable, list[str]] = {}
    for name, rung in models.RUNGS.items():
        named.setdefault(rung, []).append(name)
    return [_graph(rung, names) for rung, names in named.items()]


def _graph(rung: Callable, names: Sequence[str]) -> Graph:
    settings = recipe.load(names[0]).model
    sizes = {key: Size(getattr(settings, key), letter) for key, letter in LETTERS.items()}
    V = Size(VOCABULARY, "V")
    built = rung(LAYERS, dataclasses.replace(settings, **sizes), V, rng=None, dtype=settings.dtype)
    shape: Shape = ("B", sizes["context_length"])
    items, shape = _stages(built.inside, shape)
    logits = dataclasses.replace(items[-1], value="logits")
    loss = Stage("cross_entropy", "loss", (), "dlogits", (("targets", ("B",)),), kept_by("cross_entropy"))
    about = (rung.__doc__ or "").strip().split("\n")[0]
    used = tuple(size for size in (V, *sizes.values()) if size > 1 and _uses(items, size))
    inputs = ("ids", ("B", sizes["context_length"]))
    return Graph(", ".join(names), about, inputs, (*items[:-1], logits, loss), used)


def _stages(layers: Sequence[Layer], shape: Shape) -> tuple[list[Stage | Block], Shape]:
    """The stages of layers that follow each other; blocks that are the same are one, that many times."""
    items: list[Stage | Block] = []
    for layer in layers:
        if layer.inside:
            inside, shape = _stages(layer.inside[0].inside, shape)
            items.append(Block(tuple(inside), 1, layer.op == "residual"))
            continue
        chained = "" if layer.op == "embedding" else "dx"
        shape = layer.gives(shape)
        items.append(Stage(layer.op, "", shape, chained, layer.parameters, kept_by(layer.op)))
    closed: list[Stage | Block] = []
    for item, same in groupby(items):
        alike = list(same)
        if isinstance(item, Block):
            closed.append(dataclasses.replace(item, times=len(alike)))
        else:
            closed += alike
    return closed, shape


def _uses(items: Sequence[Stage | Block], size: Size) -> bool:
    stages = [stage for item in items for stage in (item.stages if isinstance(item, Block) else (item,))]
    shapes = [shape for stage in stages for shape in (stage.shape, *(s for _, s in stage.parameters))]
    return any(size.letters in str(axis) for shape in shapes for axis in shape)


def _embedding(V: int, E: int, **draw: Any) -> Layer:
    return Layer("embedding", (("weight", (V, E)),), lambda shape: (*shape, E))


def _linear(N: int, M: int, bias: bool = True, **draw: Any) -> Layer:
    parameters = (("weight", (M, N)), ("bias", (M,)))
    return Layer("linear", parameters if bias else parameters[:1], lambda shape: (*shape[:-1], M))


def _batch_norm(C: int, **draw: Any) -> Layer:
    return Layer("batch_norm", (("weight", (C,)), ("bias", (C,))))


def _flatten(n: int | None = None) -> Layer:
    def gives(shape: Shape) -> Shape:
        B, T, C = shape
        return (B, T * C) if n is None else (B, n * C) if n == T else (B, T // n, n * C)

    return Layer("flatten", gives=gives)


LAYERS: Any = SimpleNamespace(
    Embedding=_embedding,
    Linear=_linear,
    BatchNorm1d=_batch_norm,
    Tanh=lambda: Layer("tanh"),
    Flatten=_flatten,
    Residual=lambda layer: Layer("residual", inside=(layer,)),
    Sequential=lambda *layers: Layer("sequential", inside=layers),
)
