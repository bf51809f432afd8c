"""A run's own observer: it watches the steps that are evaluated, and keeps what it saw in the run folder."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..files.terminal import note
from ..recipes import from_recipe
from ..recipes.recipe import Recipe
from ..runs.hidden_layers import hidden_layers
from ..runs.statistics import Statistics, root_mean_square

DEEP = "residual"  # the kind of model that is drawn with and without what carries its gradient down


class Watcher:
    """Sees a model before and after the update of each evaluated step; `statistics` is what it has seen.

    Numbers that overflow are seen as they are: to refuse them is the training's business.
    """

    def __init__(self, nn: ModuleType, recipe: Recipe, vocab_size: int, path: Path) -> None:
        self.statistics, self._path = Statistics(), path
        self._nn, self._recipe, self._vocab_size = nn, recipe, vocab_size
        self._before: dict[str, np.ndarray] = {}

    def go_on_from(self, step: int) -> None:
        """Take up what was seen before `step`, as far as it is there: pictures are not worth refusing a run for."""
        try:
            self.statistics = Statistics.load(self._path)
            self.statistics.cut(step)
        except (OSError, ValueError, KeyError) as error:
            note(f"what was recorded before step {step} is lost, and will lack in the pictures: {error}")
            self.statistics = Statistics()

    def before_update(self, step: int, model: Any, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Look inside the model for one batch, before its update."""
        with np.errstate(all="ignore"):
            hidden = hidden_layers(model, inputs, targets)
            if self._recipe.model.kind == DEEP and "depth_gradients" not in self.statistics.arrays:
                self.statistics.arrays |= self._by_depth(inputs, targets)
            self._before = self.statistics.before_update(step, model.parameters(), hidden)

    def after_update(self, model: Any) -> None:
        """See how far the weights have moved, and write everything down. Raises OSError."""
        with np.errstate(all="ignore"):
            self.statistics.after_update(self._before, model.parameters())
        self._before = {}
        self.save()

    def finished(self, test_loss: float) -> None:
        """Keep the test loss for the title of the picture. Raises OSError."""
        self.statistics.arrays["test_loss"] = np.array(test_loss)
        self.save()

    def save(self) -> None:
        """Write statistics.npz. Raises OSError."""
        self.statistics.save(self._path)

    def _by_depth(self, inputs: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
        """The gradient in each hidden layer of the untrained model, with and without skips and BatchNorm."""
        names, sizes = [], []
        for skips, batch_norm in itertools.product((True, False), repeat=2):
            recipe = self._recipe.override("model.skips", skips).override("model.batch_norm", batch_norm)
            untrained = from_recipe.model(self._nn, recipe, self._vocab_size)
            sizes.append([root_mean_square(layer.dh) for layer in hidden_layers(untrained, inputs, targets)])
            names.append(f"{'skips' if skips else 'no skips'}, {'BatchNorm' if batch_norm else 'no BatchNorm'}")
        return {"depth_names": np.array(names), "depth_gradients": np.array(sizes)}
