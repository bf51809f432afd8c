"""Checkpoints: a file in the project's format is read and written without changing a bit."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from nnz.recipes.recipe import Recipe
from nnz.runs import checkpoints
from nnz.text.datasets import load_dataset

from ..cases.mlp import random_batch
from .backend_under_test import Array, BackendUnderTest, Wrong
from .model_under_test import Model, compare_with_oracle
from .ops import Measured
from .sampling import NAMES, SIZES, random_weights

ROWS = 13


def there_and_back(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Weights that go through a file, in or out, are the same to the bit and give the oracle's loss and gradients."""
    batch = random_batch(rng, SIZES, ROWS)
    foreign = _through_a_file(backend, random_weights(rng, dtype, NAMES), dtype)
    model = Model(backend, SIZES, dtype, foreign, seed=7)
    _same_bits(model.parameters(), foreign)
    yield compare_with_oracle(model.step(*batch), foreign, batch, dtype)

    source = Model(backend, SIZES, dtype, seed=8)
    own = _through_a_file(backend, source.parameters(), dtype)
    yield compare_with_oracle(source.step(*batch), own, batch, dtype)
    model.load(own)
    _same_bits(model.parameters(), own)
    yield compare_with_oracle(model.step(*batch), own, batch, dtype)


def recipe_of(sizes: dict[str, int], dtype: str) -> Recipe:
    """The recipe that a checkpoint of such an MLP needs."""
    recipe = Recipe(name="conformance")
    settings = {"context_length": sizes["T"], "embedding_size": sizes["E"], "hidden_size": sizes["H"], "dtype": dtype}
    for key, value in settings.items():
        recipe = recipe.override(f"model.{key}", value)
    return recipe


def _through_a_file(backend: BackendUnderTest, weights: dict[str, Array], dtype: str) -> dict[str, Array]:
    """Save as a checkpoint of the project and load it again."""
    tokenizer = load_dataset("names").tokenizer
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        try:
            checkpoints.save(path, checkpoints.Checkpoint(recipe_of(SIZES, dtype), tokenizer, backend.name, 0, weights))
            return checkpoints.load(path).parameters
        except ValueError as error:
            raise Wrong(f"its weights do not survive a checkpoint: {error}") from error


def _same_bits(found: dict[str, Array], expected: dict[str, Array]) -> None:
    for name, p in expected.items():
        if found[name].shape != p.shape or found[name].tobytes() != p.tobytes():
            raise Wrong(f"{name} is not what was loaded, to the bit")
