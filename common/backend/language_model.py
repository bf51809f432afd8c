"""A language model out of layers: what nn.MLP spells out, for any nn.Sequential of any backend."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from ..numbers import precisions
from ..numbers.precisions import NATIVE
from . import checks


class LanguageModel:
    """logits = layers(inputs), loss = the mean of -log softmax(logits)[targets]; trained like nn.MLP.

    Args:
        nn: the backend that the layers are of.
        layers: an nn.Sequential that turns ids (B, T) into logits (B, V).
        vocab_size, context_length: V, T.
        device: "cpu", or what `nn.devices()` names.
        precision: "strict" for a loss and its gradient that are correctly rounded, as strict layers are.

    Raises ValueError if the device is not available.
    """

    def __init__(
        self,
        nn: ModuleType,
        layers: Any,
        vocab_size: int,
        context_length: int,
        device: str = "cpu",
        precision: str = NATIVE,
    ) -> None:
        self.layers, self.device = layers.to(device), device
        self._sizes = context_length, vocab_size
        self._saved: tuple[Any, np.ndarray] | None = None
        how = {} if precisions.checked(precision, device=device) == NATIVE else {"precision": precision}
        self._forward, self._backward = (
            partial(getattr(nn.ops, f"cross_entropy_{way}"), **how) for way in ("forward", "backward")
        )

    def __repr__(self) -> str:
        return f"LanguageModel({self.layers!r})"

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, float | None]:
        """inputs (B, T), targets (B,) int -> logits (B, V), mean cross-entropy in nats (None without targets).

        Raises TypeError or ValueError on ids that are not integers, of another shape, or outside 0 .. V - 1.
        """
        inputs, targets = checks.batch(inputs, targets, *self._sizes)
        logits, self._saved = self.layers(inputs), None
        if targets is None:
            return logits, None
        loss, probs = self._forward(logits, targets)
        self._saved = probs, targets.copy()
        return logits, loss

    def backward(self) -> dict[str, np.ndarray]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no forward with targets came first.
        """
        self.layers.backward(self._backward(*checks.forward_came_first(self._saved)))
        return self.layers.gradients()

    def parameters(self) -> dict[str, np.ndarray]:
        """The weights by name, in the order of a checkpoint. They are the model's own arrays: writing trains it."""
        return self.layers.parameters()

    def buffers(self) -> dict[str, np.ndarray]:
        """The running statistics by name; a checkpoint keeps them with the weights."""
        return self.layers.buffers()

    def load_parameters(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Overwrite the weights, rounding to the model's dtype. Raises ValueError if a name or shape does not fit."""
        self.layers.load_parameters(arrays)

    def load_buffers(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Overwrite the running statistics. Raises ValueError if a name or shape does not fit."""
        self.layers.load_buffers(arrays)

    def train(self, mode: bool = True) -> LanguageModel:
        """Normalise by each batch's own statistics from now on; returns the model."""
        self.layers.train(mode)
        return self

    @property
    def training(self) -> bool:
        """Whether it normalises by each batch's own statistics, and keeps running ones."""
        return self.layers.training

    def eval(self) -> LanguageModel:
        """Normalise by the running statistics from now on; returns the model."""
        return self.train(False)
