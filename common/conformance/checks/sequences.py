"""Calls in any order: what a model keeps from one call must never show in the result of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..bounds.compare import Measurement
from ..cases.mlp import random_batch, random_parameters
from ..cases.ops import draw_sizes
from ..cases.shapes import sizes_from
from .backend_under_test import Array, BackendUnderTest, NotThere, Wrong
from .kept import Kept
from .mlp import refuses_backward
from .model_under_test import Model, compare_with_oracle
from .ops import Measured

ROUNDS, CALLS = 5, 40
LARGEST_BATCH, USUAL_BATCH = 40, 16
SETTINGS = {"lr": 0.01, "weight_decay": 0.1}


class Session:
    """One or more models of a backend, each called as its user likes; the oracle says what each call must return.

    Every method is one call, or a few, and returns what it compared. Raises NotThere and Wrong.
    """

    def __init__(self, backend: BackendUnderTest, dtype: str, rng: np.random.Generator) -> None:
        self.backend, self.dtype, self.rng = backend, dtype, rng
        self.models: list[Model] = []
        self.optimizers: list[Any] = []
        self.batches: list[tuple[Array, Array] | None] = []  # of the last forward; None if that had no targets
        self.fresh: list[bool] = []  # whether the weights are those of the last forward
        self.seen: list[tuple[int, tuple[Array, Array]]] = []  # every batch, with its model
        self.kept = Kept(dtype)
        self.new_model()
        self.new_model()

    def new_model(self) -> list[Measurement]:
        """Another model, with an optimizer; the second is as large as the first."""
        sizes = self.sizes[0] if len(self.models) == 1 else draw_sizes(self.rng)
        model = Model(self.backend, sizes, self.dtype, random_parameters(self.rng, sizes, 0.5, self.dtype))
        self.optimizers.append(self._optimizer(model))
        self.models.append(model)
        self.batches.append(None)
        self.fresh.append(True)
        self.sizes = [*getattr(self, "sizes", []), sizes]
        return []

    def train(self, which: int) -> list[Measurement]:
        """A forward with targets, of a batch of any size."""
        batch = self._batch(which)
        logits, loss = self.models[which].forward(*batch)
        self.batches[which], self.fresh[which] = batch, True
        return self._compared(which, batch, {"logits": logits, "loss": loss})

    def evaluate(self, which: int) -> list[Measurement]:
        """A forward without targets; after it backward has nothing to go back from."""
        batch = self._batch(which)
        logits, _ = self.models[which].forward(batch[0])
        self.batches[which], self.fresh[which] = None, True
        return self._compared(which, batch, {"logits": logits})

    def backward(self, which: int) -> list[Measurement]:
        """The gradients of the last forward, if it had targets; else a RuntimeError."""
        model, batch = self.models[which], self.batches[which]
        if not self.fresh[which]:
            return []
        if batch is None:
            refuses_backward(self.backend, model)
            return []
        return self._compared(which, batch, model.gradients())

    def step(self, which: int) -> list[Measurement]:
        """A forward, a backward, and a step of the optimizer, which changes this model alone."""
        found = self.train(which)
        if self.optimizers[which] is None:
            return found
        before = [model.parameters() for model in self.models]
        gradients = self.models[which].gradients()
        found += self._compared(which, self.batches[which], gradients)
        step = self.backend.find("step", self.optimizers[which])
        self.backend.call(step, {name[1:]: gradient for name, gradient in gradients.items()})
        self.fresh[which] = False
        for i, model in enumerate(self.models):
            changed = [k for k, p in model.parameters().items() if p.tobytes() != before[i][k].tobytes()]
            if i != which and changed:
                raise Wrong(f"a step of one model changed {changed[0]} of another")
            if i == which and len(changed) < len(before[i]):
                raise Wrong(f"a step left {(before[i].keys() - set(changed)).pop()} as it was")
        return found

    def load(self, which: int) -> list[Measurement]:
        """Other weights, and a new optimizer for them: the old one may hold the arrays that were there before."""
        self.models[which].load(random_parameters(self.rng, self.sizes[which], 0.5, self.dtype))
        self.optimizers[which] = self._optimizer(self.models[which])
        self.fresh[which] = False
        return []

    def _optimizer(self, model: Model) -> Any:
        """One of the backend for the weights of the model; None if it has none, which is asked for elsewhere."""
        try:
            make = self.backend.find("AdamW")
        except NotThere:
            return None
        return self.backend.call(make, model.own_parameters(), **SETTINGS, updates=1)

    def _batch(self, which: int) -> tuple[Array, Array]:
        """A new batch, or one that the model has seen, maybe with other weights; of a size that comes again."""
        again = [batch for model, batch in self.seen if model == which]
        if again and self.rng.random() < 0.3:
            return again[int(self.rng.integers(len(again)))]
        self.seen.append((which, self._new_batch(which)))
        return self.seen[-1][1]

    def _new_batch(self, which: int) -> tuple[Array, Array]:
        if self.rng.random() < 0.5:
            return random_batch(self.rng, self.sizes[which], USUAL_BATCH)
        return random_batch(self.rng, self.sizes[which], int(sizes_from(self.rng).integers(1, LARGEST_BATCH)))

    def _compared(self, which: int, batch: tuple[Array, Array], actual: Mapping[str, Any]) -> list[Measurement]:
        self.kept.add(actual)
        parameters = self.models[which].parameters()
        found = compare_with_oracle(actual, parameters, batch, self.dtype)
        return [m.by_t1_alone() for m in found]  # a batch may be a single row, whose sums may cancel


def any_order(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Forwards with and without targets, backwards, steps, other weights and models, in an order that is drawn."""
    for _ in range(min(rounds, ROUNDS)):
        session, calls = Session(backend, dtype, rng), ("train", "evaluate", "backward", "backward", "step", "load")
        for _ in range(CALLS):
            if len(session.models) < 3 and rng.random() < 0.1:
                session.new_model()
            call, which = str(rng.choice(calls)), int(rng.integers(len(session.models)))
            if found := getattr(session, call)(which):
                yield found
        session.kept.check()
