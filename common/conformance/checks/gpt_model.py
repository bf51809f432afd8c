"""The GPT of the backend under test, used only through the interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnz.numbers.rng import RNG

from ..bounds.compare import Measurement
from ..bounds.gpt import gpt_with_limits
from ..cases.gpt import GPTCase
from .backend_under_test import Array, BackendUnderTest, Wrong, as_array, compare_all

SEED = 2**40 + 1337  # more than 32 bits


class Model:
    """nn.GPT of a case's shape; with its weights, or with those that SEED draws. Raises as BackendUnderTest.call."""

    def __init__(self, backend: BackendUnderTest, case: GPTCase, dtype: str, load: bool = True, **others: Any) -> None:
        self.backend, self.dtype, self.case = backend, dtype, case
        settings = case.settings | {"rng": RNG(SEED), "dtype": dtype} | others
        self.gpt = backend.call(backend.find("GPT"), **settings)
        if load:
            self.load(case.weights)

    def forward(self, inputs: Array, targets: Array | None = None) -> tuple[Any, Any]:
        """(logits, loss), as the backend returns them."""
        result = self.backend.call(self.gpt, *((inputs,) if targets is None else (inputs, targets)))
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Wrong(f"the model must return (logits, loss); it returned {type(result).__name__}")
        return tuple(result)

    def gradients(self) -> dict[str, Any]:
        """The gradients by the oracle's names, "d" + that of the parameter."""
        gradients = self.backend.call(self.backend.find("backward", self.gpt))
        if not isinstance(gradients, Mapping):
            raise Wrong(f"backward() must return a dict; it returned {type(gradients).__name__}")
        if missing := [name for name in self.case.weights if name not in gradients]:
            raise Wrong(f"backward() does not return the gradient of {missing[0]}")
        return {f"d{name}": gradient for name, gradient in gradients.items()}

    def step(self, inputs: Array, targets: Array) -> dict[str, Any]:
        """logits, loss and all gradients of one batch."""
        logits, loss = self.forward(inputs, targets)
        return {"logits": logits, "loss": loss, **self.gradients()}

    def intermediates(self) -> dict[str, Any]:
        """The named tensors between weights and gradients, of the last batch."""
        tensors = self.backend.call(self.backend.find("intermediates", self.gpt))
        if not isinstance(tensors, Mapping) or not tensors:
            raise Wrong("intermediates() must return a dict of tensors by name")
        return dict(tensors)

    def parameters(self) -> dict[str, Array]:
        """Copies of the weights as they are now."""
        return {name: np.array(as_array(name, p, self.dtype)) for name, p in self.own_parameters().items()}

    def own_parameters(self) -> Any:
        """The weights as parameters() gives them, for an optimizer to update. Raises Wrong for other names."""
        found = self.backend.call(self.backend.find("parameters", self.gpt))
        if not isinstance(found, Mapping) or list(found) != list(self.case.weights):
            raise Wrong(f"parameters() must be a dict of {', '.join(self.case.weights)}, in this order")
        return found

    def load(self, weights: Mapping[str, Array]) -> None:
        """Set the weights."""
        self.backend.call(self.backend.find("load_parameters", self.gpt), weights)

    def learns(self, mode: bool) -> None:
        """train() or eval()."""
        self.backend.call(self.backend.find("train" if mode else "eval", self.gpt))

    def resume(self, step: int) -> None:
        """Let the masks be those of this step, as after a run that was resumed."""
        self.backend.call(setattr, self.gpt, "dropout_step", step)


def compared(
    actual: Mapping[str, Any],
    case: GPTCase,
    dtype: str,
    prefix: str = "",
    terms: int = 1,
    **dropped: Any,
) -> list[Measurement]:
    """Each tensor against the oracle's, by what rounding costs in it; `terms` are those of the longest sum."""
    exact, limits = of_oracle(case, dtype, terms, **dropped)
    found = compare_all(actual, exact, limits, dtype, any_value=True)  # what rounding costs has T2's factor in it
    return [replace(m, name=f"{prefix}{m.name}") for m in found]


def of_oracle(case: GPTCase, dtype: str, terms: int = 1, **dropped: Any) -> tuple[dict[str, Array], dict[str, Array]]:
    """Every tensor of the batch, and how far each of its numbers may be off."""
    c = case.config
    switches = {"n_head": c.n_head, "activation": c.activation, "norm": c.norm, "norm_first": c.norm_first, **dropped}
    return gpt_with_limits(case.weights, case.inputs, case.targets, dtype, terms, **switches)
