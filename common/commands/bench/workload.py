"""What nnz bench lets every contender train: a model of some sizes, on some tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...backend.checks import Sizes
from ...numbers.rng import RNG
from ...recipes.recipe import Recipe
from ...text import datasets
from ...text.datasets import Split

DRAWN = 50_000  # tokens, where no data set has a vocabulary of the size that is asked for
BOOK = {"context_length": 4, "embedding_size": 30, "hidden_size": 300}  # the model of a book's 27,755 words
BOOK_VOCABULARY = 27_755


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
        """Of a step's matrix products, a multiplication and an addition each: three for each weight matrix."""
        V, T, E, H = self.sizes
        return 3 * 2 * self.recipe.train.batch_size * (T * E * H + H * V)


def of_recipe(recipe: Recipe) -> Workload:
    """Train on the recipe's own data."""
    dataset = datasets.of_recipe(recipe.data)
    return Workload(recipe, dataset.train, dataset.tokenizer.vocab_size)


def drawn(recipe: Recipe, vocab_size: int) -> Workload:
    """Train on tokens drawn at random, each of the vocabulary as likely as any."""
    tokens = np.asarray(RNG(recipe.train.seed).u32(DRAWN) % vocab_size, np.int32)
    return Workload(recipe, Split("drawn", "", tokens, 0), vocab_size)


def book(recipe: Recipe) -> Workload:
    """The large vocabulary: 9.2 million parameters, nearly all of them in its rows."""
    for key, value in BOOK.items():
        recipe = recipe.override(f"model.{key}", value)
    return drawn(recipe, BOOK_VOCABULARY)
