"""Layers that compute nothing: they say which parameters and buffers a rung of the ladder has, and their shapes.

This module is passed in as `nn` where only the shapes are needed: to check a file, no model is built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class LayerShapes:
    """The shapes by name, as `parameters()` and `buffers()` of a layer name them."""

    parameters: Shapes = field(default_factory=dict)
    buffers: Shapes = field(default_factory=dict)


def Embedding(num_embeddings: int, embedding_dim: int, **draw: Any) -> LayerShapes:
    return LayerShapes({"weight": (num_embeddings, embedding_dim)})


def Linear(in_features: int, out_features: int, bias: bool = True, **draw: Any) -> LayerShapes:
    weight = {"weight": (out_features, in_features)}
    return LayerShapes(weight | {"bias": (out_features,)} if bias else weight)


def BatchNorm1d(num_features: int, **settings: Any) -> LayerShapes:
    C = (num_features,)
    return LayerShapes({"weight": C, "bias": C}, {"running_mean": C, "running_var": C})


def Tanh(**settings: Any) -> LayerShapes:
    return LayerShapes()


def Flatten(n: int | None = None) -> LayerShapes:
    return LayerShapes()


def Residual(layer: LayerShapes) -> LayerShapes:
    return _inside({"layer": layer})


def Sequential(*layers: LayerShapes) -> LayerShapes:
    return _inside({str(i): layer for i, layer in enumerate(layers)})


def _inside(children: dict[str, LayerShapes]) -> LayerShapes:
    def prefixed(kind: str) -> Shapes:
        return {f"{prefix}.{k}": v for prefix, child in children.items() for k, v in getattr(child, kind).items()}

    return LayerShapes(prefixed("parameters"), prefixed("buffers"))
