"""From the words of a recipe to a model and an optimizer of whatever backend is passed in as `nn`."""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .initial import mlp_shapes
from .rng import RNG

if TYPE_CHECKING:
    from .recipe import Recipe

LARGEST_COUNT = 2**40


def model(nn: ModuleType, recipe: Recipe, vocab_size: int, device: str = "cpu") -> Any:
    """Return the recipe's model with the initial weights that its seed draws. Raises MemoryError if it is too large."""
    build, shapes = MODELS[recipe.model.kind]
    count = sum(math.prod(shape) for shape in shapes(recipe, vocab_size).values())
    if count > LARGEST_COUNT:  # beyond this numpy says "array is too big" where it means out of memory
        raise MemoryError(f"{count:,} parameters")
    return build(nn, recipe, vocab_size, RNG(recipe.train.seed), device)


def parameter_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the parameters of the recipe's model, without building it."""
    _, shapes = MODELS[recipe.model.kind]
    return shapes(recipe, vocab_size)


def optimizer(nn: ModuleType, recipe: Recipe, parameters: Any) -> Any:
    """Return the recipe's optimizer of `parameters`."""
    settings = recipe.optimizer
    return getattr(nn, OPTIMIZERS[settings.name])(parameters, lr=settings.lr, weight_decay=settings.weight_decay)


def _mlp(nn: ModuleType, recipe: Recipe, vocab_size: int, rng: RNG, device: str) -> Any:
    sizes = _mlp_sizes(recipe, vocab_size)
    return nn.MLP(**sizes, rng=rng, dtype=recipe.model.dtype, device=device)


def _mlp_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    return mlp_shapes(**_mlp_sizes(recipe, vocab_size))


def _mlp_sizes(recipe: Recipe, vocab_size: int) -> dict[str, int]:
    return {
        "vocab_size": vocab_size,
        "context_length": recipe.model.context_length,
        "embedding_size": recipe.model.embedding_size,
        "hidden_size": recipe.model.hidden_size,
    }


MODELS = {"mlp": (_mlp, _mlp_shapes)}  # kind -> (build it, its parameters' shapes)
OPTIMIZERS = {"adamw": "AdamW", "sgd": "SGD"}  # name in a recipe -> name in every backend
