"""The everyday GPT with the interface of nn.GPT, to be graded like the backends: `nnz parity nnz.gpt`.

What torch draws or keeps its own way is not there: dropout from a counter, and what lies between weights and gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from nnz.backend import checks
from nnz.backend.gpt_config import GPTConfig
from nnz.numbers.rng import RNG

from . import gpt
from .cache import Cache


class GPT:
    """nnz.gpt.GPT, which keeps the loss for a backward of its own."""

    def __init__(self, rng: RNG, dropout_seed: int = 0, **settings: Any) -> None:
        self._gpt, self._loss = gpt.GPT(GPTConfig(**settings), rng), None

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, Tensor | None]:
        """Without targets there is no dropout."""
        c, training = self._gpt.config, self._gpt.training
        if targets is not None and training and max(c.dropout, c.embedding_dropout) > 0:
            raise NotImplementedError("torch draws the dropout, by its own generator")
        self._gpt.train(training and targets is not None)
        try:
            logits, self._loss = self._gpt(inputs, targets)
        finally:
            self._gpt.train(training)
        return logits.detach().numpy(), self._loss

    def backward(self) -> dict[str, np.ndarray]:
        """The gradient of the last loss by every parameter."""
        checks.forward_came_first(self._loss)
        self._gpt.zero_grad()
        self._loss.backward(retain_graph=True)
        return {name: p.grad.numpy().copy() for name, p in self._gpt.named_parameters()}

    def parameters(self) -> dict[str, np.ndarray]:
        """The weights, in the memory of the model."""
        return {name: p.detach().numpy() for name, p in self._gpt.named_parameters()}

    def load_parameters(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Overwrite the weights."""
        self._gpt._load(arrays)

    def train(self) -> None:
        self._gpt.train()

    def eval(self) -> None:
        self._gpt.eval()

    def new_cache(self, B: int) -> Cache:
        return self._gpt.new_cache(B)

    def last_logits(self, tokens: np.ndarray, cache: Cache | None = None) -> np.ndarray:
        return self._gpt.last_logits(tokens, cache)
