"""From a recipe to its data set, its model and its optimizer, for whichever backend is passed in as `nn`."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from ..files.errors import UsageError
from ..numbers.precisions import NATIVE
from ..text.datasets import Dataset, load_dataset
from ..text.tokenizers import Tokenizer
from .models import MODELS
from .recipe import Recipe

MAX_PARAMETERS = 2**40


def dataset(recipe: Recipe, tokenizer: Tokenizer | None = None) -> Dataset:
    """Load the recipe's data, in the tokens of its text or of a tokenizer. Raises what `load_dataset` raises."""
    data = recipe.data
    seed = {"seed": recipe.train.seed} if data.split == "python" else {}  # microgpt has one for everything
    words = {"tokenizer": tokenizer or data.tokenizer, "min_count": data.min_count, "kind": data.kind}
    return load_dataset(data.name, data.windows, data.split, data.fractions, **seed, **words)


def model(nn: ModuleType, recipe: Recipe, vocab_size: int, device: str = "cpu", trains: bool = True) -> Any:
    """Return the recipe's model with the initial weights that its seed draws, to train it or only to use it.

    Raises MemoryError if it is too large, ValueError if its sizes contradict each other.
    """
    if recipe.model.precision != NATIVE and recipe.model.dtype == "float64":
        raise UsageError("model.precision = 'strict' rounds to float32; drop it, or model.dtype = 'float64'")
    if recipe.model.precision != NATIVE and not hasattr(nn, "strict_tally"):
        raise UsageError(f"{nn.__name__} has no model.precision = {recipe.model.precision!r}; drop it")
    if device == "mps" and recipe.model.dtype == "float64":
        raise UsageError("device mps has no float64; take --dtype float32, or --device cpu")
    kind = MODELS[recipe.model.kind]
    kind.check(recipe)
    count = sum(math.prod(shape) for shape in parameter_shapes(recipe, vocab_size).values())
    if count > MAX_PARAMETERS:  # beyond this numpy says "array is too big" instead of out of memory
        raise MemoryError(f"{count:,} parameters")
    build = kind.build if trains else kind.build_to_use
    return build(nn, recipe, vocab_size, device)


def check_batch(recipe: Recipe, vocab_size: int) -> None:
    """Raises UsageError if the recipe's batch is too small to train its model."""
    if recipe.train.batch_size == 1 and buffer_shapes(recipe, vocab_size):  # the running statistics of BatchNorm
        raise UsageError("train.batch_size = 1 is too small for BatchNorm, which compares rows; take 2 or more")


def fit(model: Any, recipe: Recipe, dataset: Dataset) -> None:
    """Compute the parameters of a model that is not trained; leave any other as it was drawn."""
    MODELS[recipe.model.kind].fit(recipe, model, dataset)


def optimizer(nn: ModuleType, recipe: Recipe, model: Any) -> Any:
    """Return the recipe's optimizer of the model's parameters."""
    return MODELS[recipe.model.kind].optimizer(nn, recipe, model)


def parameter_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the parameters of the recipe's model, without building it.

    Raises ValueError if its sizes contradict each other.
    """
    return MODELS[recipe.model.kind].shapes(recipe, vocab_size).parameters


def buffer_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the buffers, the running statistics, as `parameter_shapes` does."""
    return MODELS[recipe.model.kind].shapes(recipe, vocab_size).buffers


def moment_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of what the recipe's optimizer keeps, as `parameter_shapes` does: m.wte, v.wte ..."""
    return MODELS[recipe.model.kind].moment_shapes(recipe, vocab_size)
