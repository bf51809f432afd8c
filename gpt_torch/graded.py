"""The everyday GPT with the interface of nn.GPT, to be graded like the backends: `nnz parity nnz.gpt`.

Its dropout is drawn from the counter of every backend: what torch draws by itself can be compared with nothing.
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
from .intermediates import intermediates, recording
from .optimizers import AdamW, Muon, clip_grad_norm

__all__ = ["GPT", "AdamW", "Muon", "clip_grad_norm"]


class GPT:
    """nnz.gpt.GPT, which keeps the loss for a backward of its own, and what lies before it."""

    forward, _block = gpt.GPT.forward, gpt.Block.forward  # where nnz diff finds the source

    def __init__(self, rng: RNG, dropout_seed: int = 1337, **settings: Any) -> None:
        self._gpt = gpt.GPT(GPTConfig(**settings), rng, dropout_seed=dropout_seed)
        self._loss: Tensor | None = None

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, Tensor | None]:
        """Without targets there is no dropout."""
        training = self._gpt.training
        self._gpt.train(training and targets is not None)
        try:
            with recording(self._gpt) as self._recorded:
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

    def intermediates(self) -> dict[str, np.ndarray]:
        """What lies between weights and gradients, of the last forward with targets."""
        checks.forward_came_first(self._loss)
        return intermediates(self._gpt, self._recorded, self._loss)

    def parameters(self) -> dict[str, np.ndarray]:
        """The weights, in the memory of the model."""
        return {name: p.detach().numpy() for name, p in self._gpt.named_parameters()}

    def load_parameters(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Overwrite the weights."""
        self._gpt._load(arrays)

    @property
    def dropout_step(self) -> int:
        """The step that the next masks are drawn for."""
        return self._gpt.counter.step

    @dropout_step.setter
    def dropout_step(self, value: int) -> None:
        self._gpt.counter.step = value

    def train(self) -> None:
        self._gpt.train()

    def eval(self) -> None:
        self._gpt.eval()

    def new_cache(self, B: int) -> Cache:
        return self._gpt.new_cache(B)

    def last_logits(self, tokens: np.ndarray, cache: Cache | None = None) -> np.ndarray:
        return self._gpt.last_logits(tokens, cache)
