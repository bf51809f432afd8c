"""Layers that hold and compute nothing: they say which parameters and buffers a rung of the ladder has, by shape.

It is passed in as `nn` where only the shapes are asked for, so that no model need be built to read or refuse a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Outline:
    """The shapes by name, as `parameters()` and `buffers()` of a layer name them."""

    parameters: Shapes = field(default_factory=dict)
    buffers: Shapes = field(default_factory=dict)


def Embedding(num_embeddings: int, embedding_dim: int, **draw: Any) -> Outline:
    return Outline({"weight": (num_embeddings, embedding_dim)})


def Linear(in_features: int, out_features: int, bias: bool = True, **draw: Any) -> Outline:
    weight = {"weight": (out_features, in_features)}
    return Outline(weight | {"bias": (out_features,)} if bias else weight)


def BatchNorm1d(num_features: int, **settings: Any) -> Outline:
    C = (num_features,)
    return Outline({"weight": C, "bias": C}, {"running_mean": C, "running_var": C})


def Tanh(**settings: Any) -> Outline:
    return Outline()


def Flatten(n: int | None = None) -> Outline:
    return Outline()


def Residual(layer: Outline) -> Outline:
    return _inside({"layer": layer})


def Sequential(*layers: Outline) -> Outline:
    return _inside({str(i): layer for i, layer in enumerate(layers)})


def _inside(children: dict[str, Outline]) -> Outline:
    def prefixed(kind: str) -> Shapes:
        return {f"{prefix}.{k}": v for prefix, child in children.items() for k, v in getattr(child, kind).items()}

    return Outline(prefixed("parameters"), prefixed("buffers"))
