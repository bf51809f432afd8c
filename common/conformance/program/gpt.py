"""The GPT of a program, with the interface of nn.GPT: a request for each batch, which carries the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnz.backend import checks, initial
from nnz.backend.gpt_config import GPTConfig
from nnz.numbers.precisions import NATIVE, STRICT
from nnz.numbers.rng import RNG

from .protocol import Program, intermediates_of

SETTINGS = ("n_layer", "n_head", "activation", "norm", "norm_first", "dropout", "embedding_dropout")


class GPT:
    """Weights, mode and step of dropout are kept here and sent with every batch: the program keeps nothing."""

    def __init__(
        self,
        program: Program,
        rng: RNG,
        dtype: str = "float32",
        dropout_seed: int = 1337,
        precision: str = NATIVE,
        **settings: Any,
    ) -> None:
        program.must_list("gpt", STRICT if precision == STRICT else dtype)
        self._program, self._dtype, self._config = program, dtype, GPTConfig(**settings, dtype=dtype)
        self._precision = precision
        # the rest shapes show
        self._settings = {name: getattr(self._config, name) for name in SETTINGS} | {"dropout_seed": dropout_seed}
        self._weights: dict[str, np.ndarray] | None = None
        self._response: dict[str, np.ndarray] | None = None
        self.training, self.dropout_step = True, 0

    def parameters(self) -> dict[str, np.ndarray]:
        """The weights. Raises NotImplementedError if they were not set, for a program is not asked to draw them."""
        if self._weights is None:
            raise NotImplementedError("the protocol has no request for a GPT's initial weights")
        return self._weights

    def load_parameters(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the weights, in the arrays that an optimizer may have."""
        if self._weights is None:
            shapes = initial.gpt_shapes(self._config)
            self._weights = {name: np.empty(shape, self._dtype) for name, shape in shapes.items()}
        for name, own in self._weights.items():
            own[...] = arrays[name]

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """One request returns the gradients too; backward() returns them later."""
        learns, self._response = self.training and targets is not None, None
        how = self._settings | {"training": learns, "step": self.dropout_step}
        arrays = {**self.parameters(), "inputs": inputs, "targets": targets}
        response = self._program.call("gpt", self._dtype, arrays, self._precision, **how)
        self.dropout_step += learns
        self._response = None if targets is None else response
        return response["logits"], response.get("loss")

    def backward(self) -> dict[str, np.ndarray]:
        """The gradients of the last batch by the parameters' names."""
        checks.forward_came_first(self._response)
        return {name: self._response[f"d{name}"].copy() for name in self._weights}

    def intermediates(self) -> dict[str, np.ndarray]:
        """The tensors between weights and gradients. Raises NotImplementedError if the program returns none."""
        checks.forward_came_first(self._response)
        names = intermediates_of("gpt", self._config.n_layer)
        if not self._response.keys() & set(names):
            raise NotImplementedError(f"{self._program.name} returns no intermediates")
        return {name: self._response[name] for name in (*names, "logits")}

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False
