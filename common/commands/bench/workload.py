"""The work that nnz bench times: an MLP of some sizes, the tokens to train it on, and the op calls of a step."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from types import ModuleType
from typing import Any

import numpy as np

from ...backend import initial, registry
from ...backend.checks import Sizes
from ...numbers.rng import RNG
from ...recipes import from_recipe
from ...recipes.recipe import Recipe
from ...text.datasets import Split

DRAWN = 50_000  # tokens, for a vocabulary that no data set has
NOT_IN_A_STEP = ("batch_norm_forward", "batch_norm_backward", "sgd_step")  # timed too, with the shapes of a step

BASELINE = "baseline"  # the module of a backend with its baseline

Call = tuple[str, tuple[Any, ...]]  # the name of an op, and its arguments


@dataclass(frozen=True)
class Workload:
    """The sizes, batch and optimizer of a recipe, and the tokens to train on."""

    recipe: Recipe
    split: Split
    vocab_size: int

    @property
    def sizes(self) -> Sizes:
        """V, T, E, H."""
        how = self.recipe.model
        return Sizes(self.vocab_size, how.context_length, how.embedding_size, how.hidden_size)

    @property
    def operations(self) -> int:
        """Multiplications and additions of a step's matrix products, of which each weight matrix takes three."""
        V, T, E, H = self.sizes
        return 3 * 2 * self.recipe.train.batch_size * (T * E * H + H * V)

    def model(self, nn: ModuleType, dtype: str) -> Any:
        """The model that a backend trains."""
        return nn.MLP(*self.sizes, rng=RNG(self.recipe.train.seed), dtype=dtype)

    def batches(self) -> Iterator:
        """What it is trained on, without end."""
        return self.split.batches(self.recipe.model.context_length, self.recipe.train.batch_size)

    def has_baseline(self, name: str) -> bool:
        """Tell whether the backend comes with a baseline."""
        return has_baseline(name)

    def baseline_step(self, name: str, dtype: str) -> Callable[[], object]:
        """A training step of the backend's baseline."""
        parameters, recipe = self.model(registry.load(name), dtype).parameters(), self.recipe
        settings = (self.sizes.T, recipe.train.batch_size, recipe.optimizer.lr, recipe.optimizer.weight_decay)
        return baseline(name).baseline_step(parameters, self.split.tokens, *settings)

    def products(self, dtype: str) -> Iterator[Call]:
        """The op calls of a step that are matrix products, with their shapes."""
        calls = takewhile(lambda call: call[0] != "adamw_step", step_calls(self, dtype))
        return (call for call in calls if call[0].startswith("linear"))


def of_recipe(recipe: Recipe) -> Workload:
    """Train on the recipe's own data."""
    dataset = from_recipe.dataset(recipe)
    return Workload(recipe, dataset.train, dataset.tokenizer.vocab_size)


def drawn(recipe: Recipe, vocab_size: int) -> Workload:
    """Train on random tokens, all equally likely."""
    tokens = np.asarray(RNG(recipe.train.seed).u32(DRAWN) % vocab_size, np.int32)
    return Workload(recipe, Split("drawn", "", tokens, 0), vocab_size)


def step_calls(work: Workload, dtype: str) -> Iterator[Call]:
    """Every op call of a training step, in order and with its shapes; then the calls of the ops NOT_IN_A_STEP."""
    (V, T, E, H), B, lr = work.sizes, work.recipe.train.batch_size, work.recipe.optimizer.lr
    rng = RNG(work.recipe.train.seed)
    p = initial.mlp_parameters(initial.mlp_shapes(V, T, E, H), rng, dtype)
    ids, targets = (np.asarray(rng.u32(shape) % V, np.int32) for shape in ((B, T), (B,)))
    x, h, y = (rng.uniform(-1, 1, (B, n), dtype) for n in (T * E, H, V))  # activations and gradients
    probs = np.full((B, V), 1 / V, dtype)
    yield "embedding_forward", (p["wte"], ids)
    yield "linear_forward", (x, p["fc1.weight"], p["fc1.bias"])
    yield "tanh_forward", (h,)
    yield "linear_forward", (h, p["fc2.weight"], p["fc2.bias"])
    yield "cross_entropy_forward", (y, targets)
    yield "cross_entropy_backward", (probs, targets)
    yield "linear_backward", (y, h, p["fc2.weight"])
    yield "tanh_backward", (h, h)
    yield "linear_backward", (h, x, p["fc1.weight"])
    yield "embedding_backward", (x.reshape(B, T, E), ids, V)
    for array in p.values():
        moments = np.zeros_like(array), np.ones_like(array)
        yield "adamw_step", (array.copy(), *moments, array, 1, lr, 0.9, 0.999, 1e-8, 1e-4)
    one, zero = np.ones(H, dtype), np.zeros(H, dtype)
    yield "batch_norm_forward", (h, one, zero, zero, one, True, 0.1, 1e-5)
    yield "batch_norm_backward", (h, h, zero, one, one)
    for array in p.values():
        yield "sgd_step", (array.copy(), array, lr, 0.0)


def has_baseline(name: str) -> bool:
    """Tell whether the backend comes with a baseline of the MLP."""
    nn = registry.load(name)
    return hasattr(nn, "__path__") and importlib.util.find_spec(f"{nn.__name__}.{BASELINE}") is not None


def baseline(name: str) -> ModuleType:
    """Import the baseline of a backend."""
    return importlib.import_module(f"{registry.load(name).__name__}.{BASELINE}")
