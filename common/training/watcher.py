"""The watcher records how a run learns: it reads what each evaluated step computed, and saves it in the run folder."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..files.terminal import note
from ..recipes import from_recipe
from ..recipes.models import MODELS
from ..recipes.recipe import Recipe
from ..runs.statistics import Statistics, hidden_layers, root_mean_square


class Watcher:
    """Reads a model before and after the update of each evaluated step; `statistics` is what it has recorded.

    Numbers that overflow are recorded as they are: the training itself reports that it diverged.
    """

    def __init__(self, nn: ModuleType, recipe: Recipe, vocab_size: int, path: Path) -> None:
        self.statistics, self._path = Statistics(), path
        self._nn, self._recipe, self._vocab_size = nn, recipe, vocab_size
        self._before: dict[str, np.ndarray] = {}

    def resume_from(self, step: int, eval_every: int, steps: int) -> None:
        """Load what was recorded before `step`, if it can be read: pictures are not worth refusing a run for."""
        if step == 0:
            return  # nothing was
        try:
            self.statistics = Statistics.load(self._path)
            self.statistics.truncate(step, eval_every, steps)
        except (OSError, ValueError, KeyError) as error:
            note(f"what was recorded before step {step} is lost and will be missing in the pictures: {error}")
            self.statistics = Statistics()

    def before_update(self, step: int, model: Any, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Record the activations and gradients of the forward and backward that the step has just done."""
        with np.errstate(all="ignore"):
            hidden = hidden_layers(model)
            if MODELS[self._recipe.model.kind].ablations and "depth_gradients" not in self.statistics.arrays:
                self.statistics.arrays |= self._gradients_by_depth(inputs, targets)
            self._before = self.statistics.before_update(step, model.parameters(), hidden)

    def after_update(self, model: Any) -> None:
        """Record how far the weights have moved."""
        with np.errstate(all="ignore"):
            self.statistics.after_update(self._before, model.parameters())
        self._before = {}

    def save(self) -> None:
        """Save what is recorded: before a checkpoint, which would else lack what was before it. Raises OSError."""
        self.statistics.save(self._path)

    def record_test_loss(self, test_loss: float) -> None:
        """Keep the test loss for the title of the picture. Raises OSError."""
        self.statistics.arrays["test_loss"] = np.array(test_loss)
        self.save()

    def _gradients_by_depth(self, inputs: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
        """The gradient in each hidden layer of the untrained model, with and without each of its ablations."""
        ablations, names, sizes = MODELS[self._recipe.model.kind].ablations, [], []
        for switches in itertools.product((True, False), repeat=len(ablations)):
            recipe = self._recipe
            for key, on in zip(ablations, switches, strict=True):
                recipe = recipe.override(f"model.{key}", on)
            untrained = from_recipe.model(self._nn, recipe, self._vocab_size)
            untrained(inputs, targets)
            untrained.backward()
            sizes.append([root_mean_square(dh) for _, dh in hidden_layers(untrained)])
            named = zip(ablations.values(), switches, strict=True)
            names.append(", ".join(name if on else f"no {name}" for name, on in named))
        return {"depth_names": np.array(names), "depth_gradients": np.array(sizes)}
