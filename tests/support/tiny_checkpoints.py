"""A checkpoint of 7 characters, small enough to look into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nnz import RNG
from nnz.files import tensor_file
from nnz.numbers import digests
from nnz.recipes.recipe import Recipe
from nnz.runs.checkpoints import Checkpoint
from nnz.text.tokenizers import CharTokenizer

TOKENIZER = CharTokenizer("\nabcé你😀")
RECIPE = Recipe("tiny").override("model.hidden_size", 5).override("model.embedding_size", 2)
SHAPES = {"wte": (7, 2), "fc1.weight": (5, 6), "fc1.bias": (5,), "fc2.weight": (7, 5), "fc2.bias": (7,)}


def checkpoint(recipe: Recipe = RECIPE, seed: int = 1, backend: str = "numpy", **fields: float) -> Checkpoint:
    """Return a checkpoint at step 12 whose arrays the seed draws."""
    rng, dtype = RNG(seed), recipe.model.dtype
    parameters = {name: rng.normal(shape, dtype=dtype) for name, shape in SHAPES.items()}
    optimizer = {f"{kind}.{name}": rng.normal(shape, dtype=dtype) for kind in "mv" for name, shape in SHAPES.items()}
    return Checkpoint(recipe, TOKENIZER, backend, 12, parameters, optimizer=optimizer, t=12, **fields)


def rewrite(path: Path, change: Callable[[dict, dict], None]) -> None:
    """Write the file again after `change(metadata, arrays)`, with the hashes that then are right."""
    metadata, arrays = tensor_file.read(path, lambda *found: None)
    change(metadata, arrays)
    moments = {name: a for name, a in arrays.items() if name.startswith(("m.", "v."))}
    hashes = digests.of(metadata, {name: a for name, a in arrays.items() if name not in moments}, moments)
    tensor_file.write(path, arrays, {**metadata, **{key: hashes[key] for key in hashes.keys() & metadata.keys()}})
