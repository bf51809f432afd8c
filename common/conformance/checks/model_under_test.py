"""The MLP of the backend under test, used only through the interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnz.numbers.rng import RNG

from ..bounds import derived as bounds
from ..bounds.compare import Measurement
from ..oracle import mlp as oracle
from .backend_under_test import Array, BackendUnderTest, NotThere, Wrong, as_array, compare_all

GRADIENTS = ("dwte", "dfc1.weight", "dfc1.bias", "dfc2.weight", "dfc2.bias")
Batch = tuple[Array, Array]


class Model:
    """nn.MLP of sizes {V, T, E, H}; with the given `parameters`, or with those that `seed` draws.

    Every method raises NotThere and Wrong, as BackendUnderTest.call does.
    """

    def __init__(
        self,
        backend: BackendUnderTest,
        sizes: Mapping[str, int],
        dtype: str,
        parameters: Mapping | None = None,
        seed: int = 1,
    ) -> None:
        self.backend, self.dtype = backend, dtype
        names = {"vocab_size": "V", "context_length": "T", "embedding_size": "E", "hidden_size": "H"}
        keywords = {name: sizes[letter] for name, letter in names.items()}
        self.mlp = backend.call(backend.find("MLP"), **keywords, rng=RNG(seed), dtype=dtype)
        if parameters is not None:
            self.load(parameters)

    def load(self, parameters: Mapping[str, Array]) -> None:
        """Set the weights: by load_parameters, or without one by writing to the arrays of parameters()."""
        try:
            load = self.backend.find("load_parameters", self.mlp)
        except NotThere:
            for name, own in self.own_parameters().items():
                self.backend.call(np.copyto, own, parameters[name], updates=1)
            return
        self.backend.call(load, parameters)

    def parameters(self) -> dict[str, Array]:
        """Copies of the weights as they are now. Raises Wrong if one is not of the dtype asked for."""
        found = {name: np.array(as_array(name, p, self.dtype)) for name, p in self.own_parameters().items()}
        if wrong := [f"{name} is {p.dtype}" for name, p in found.items() if p.dtype != np.dtype(self.dtype)]:
            raise Wrong(f"{wrong[0]}, not {self.dtype}")
        return found

    def forward(self, inputs: Array, targets: Array | None = None) -> tuple[Any, Any]:
        """(logits, loss), as the backend returns them."""
        result = self.backend.call(self.mlp, *((inputs,) if targets is None else (inputs, targets)))
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Wrong(f"the model must return (logits, loss); it returned {type(result).__name__}")
        return result

    def gradients(self) -> dict[str, Any]:
        """The gradients by the oracle's names, "d" + that of the parameter, as the backend returns them."""
        gradients = self.backend.call(self.backend.find("backward", self.mlp))
        if not isinstance(gradients, Mapping):
            raise Wrong(f"backward() must return a dict; it returned {type(gradients).__name__}")
        if missing := [name for name in GRADIENTS if name[1:] not in gradients]:
            raise Wrong(f"backward() does not return the gradient of {missing[0][1:]}")
        return {f"d{name}": gradient for name, gradient in gradients.items()}

    def step(self, inputs: Array, targets: Array) -> dict[str, Any]:
        """logits, loss and all gradients of one batch."""
        logits, loss = self.forward(inputs, targets)
        return {"logits": logits, "loss": loss, **self.gradients()}

    def intermediates(self) -> dict[str, Any]:
        """The named tensors between weights and gradients, of the last batch."""
        tensors = self.backend.call(self.backend.find("intermediates", self.mlp))
        if not isinstance(tensors, Mapping) or not tensors:
            raise Wrong("intermediates() must return a dict of tensors by name")
        return dict(tensors)

    def own_parameters(self) -> Any:
        """The weights as parameters() gives them, for an optimizer to update."""
        found = self.backend.call(self.backend.find("parameters", self.mlp))
        if not isinstance(found, Mapping) or set(found) != {name[1:] for name in GRADIENTS}:
            raise Wrong(f"parameters() must be a dict of {', '.join(name[1:] for name in GRADIENTS)}")
        return found


def compare_with_oracle(
    actual: Mapping[str, Any], parameters: dict[str, Array], batch: Batch, dtype: str, any_size: bool = False
) -> list[Measurement]:
    """Compare the tensors of one pass, by name, with oracle.mlp on these parameters, which are exact in the dtype.

    With `any_size` T2 allows for the length of the sums.
    """
    wide = {name: p.astype(np.float64) for name, p in parameters.items()}
    terms = bounds.mlp_terms(parameters, batch[0]) if any_size else None
    limits = bounds.mlp_bounds(parameters, *batch, dtype)
    return compare_all(actual, oracle.mlp(wide, *batch), limits, dtype, terms)
