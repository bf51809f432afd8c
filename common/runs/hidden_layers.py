"""What a model holds inside for one batch: the activations of its hidden layers, and the gradients of the loss by them.

A probe walks through the layers from outside, by what every backend's layers offer, and leaves the model as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import layers
from .checkpoints import on_host


@dataclass(frozen=True)
class Hidden:
    """A hidden layer's tanh: its place among them from 1, what it gave, h, and dh, the gradient of the loss by that."""

    depth: int
    h: np.ndarray
    dh: np.ndarray


def hidden_layers(model: Any, inputs: np.ndarray, targets: np.ndarray) -> list[Hidden]:
    """The model's hidden layers, first to last, for inputs (B, T) and targets (B,) in the model's present mode.

    None for a model that has none, and for one from elsewhere that shows none. Weights and running statistics stay as
    they are; what the model kept for a backward is gone.
    """
    if hasattr(model, "intermediates"):  # an MLP shows them itself
        model(inputs, targets)
        tensors = model.intermediates()
        return [Hidden(1, tensors["h"], tensors["dh"])]
    if not hasattr(model, "layers"):
        return []
    before = {name: array.copy() for name, array in on_host(model.buffers()).items()}
    walk = _Walk()
    logits = walk.forward(model.layers, inputs)
    walk.backward(model.layers, model.loss_gradient(logits, targets))
    model.load_buffers(before)
    return [Hidden(depth, *pair) for depth, pair in enumerate(reversed(walk.found), start=1)]


class _Walk:
    """One batch through the layers, one by one, and back; `found` fills with (h, dh), the last layer first."""

    def __init__(self) -> None:
        self._given: list[np.ndarray] = []
        self.found: list[tuple[np.ndarray, np.ndarray]] = []

    def forward(self, layer: Any, x: np.ndarray) -> np.ndarray:
        if isinstance(layer, layers.Sequential):
            for child in layer.layers:
                x = self.forward(child, x)
            return x
        if isinstance(layer, layers.Residual):
            return x + self.forward(layer.layer, x)
        y = layer(x)
        if isinstance(layer, layers.Tanh):
            self._given.append(y)
        return y

    def backward(self, layer: Any, dy: np.ndarray) -> np.ndarray | None:
        if isinstance(layer, layers.Sequential):
            for child in reversed(layer.layers):
                dy = self.backward(child, dy)
            return dy
        if isinstance(layer, layers.Residual):
            return dy + self.backward(layer.layer, dy)
        if isinstance(layer, layers.Tanh):
            self.found.append((self._given.pop(), dy))
        return layer.backward(dy)
