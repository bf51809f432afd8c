"""What a trained model is for: the same seed draws the oracle's text, and a checkpoint means the same to everybody."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from nnz.backend import initial
from nnz.numbers.rng import RNG
from nnz.recipes.recipe import Recipe
from nnz.runs import checkpoints
from nnz.runs.sampling import Sampler
from nnz.text.datasets import load_dataset

from ..bounds.compare import Measurement
from ..cases.draws import draw_tokens
from ..oracle import mlp as oracle
from .backend_under_test import Array, Subject, Wrong, as_array
from .model_under_test import Model, against_oracle

TOKENS, FEWEST_LETTERS, ROWS = 64, 5, 13
UNDECIDED = 2.0**-16  # a uniform this near to a running sum may fall on either side in float32, where errors are 2^-21
SIZES = {"V": 27, "T": 3, "E": 5, "H": 11}


def samples(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Measurement]]:
    """TOKENS tokens from one seed, equal to the oracle's; then the logits of all their contexts at once."""
    tokenizer = load_dataset("names").tokenizer
    weights, seed, expected = decided(rng, dtype, tokenizer)
    model = Model(subject, SIZES, dtype, weights)

    def logits(context: Array) -> tuple[Array, None]:
        return np.asarray(as_array("logits", model.forward(context)[0], dtype)), None

    stream = Sampler(logits, tokenizer, SIZES["T"]).stream(RNG(seed))
    for i, token in enumerate(expected):
        try:
            drawn = next(stream)
        except (FloatingPointError, ValueError, IndexError, TypeError) as error:
            raise Wrong(f"no token can be drawn from its logits: {error}") from error
        if drawn != token:
            raise Wrong(f"token {i} drawn with seed {seed} is {drawn}; the oracle draws {token}")
    tape = np.array([tokenizer.delimiter] * SIZES["T"] + expected)
    windows = np.lib.stride_tricks.sliding_window_view(tape, SIZES["T"] + 1).copy()
    batch = windows[:, :-1].copy(), windows[:, -1].copy()
    yield against_oracle({"logits": model.forward(batch[0])[0]}, weights, batch, dtype)


def checkpoint_exchange(
    subject: Subject, dtype: str, rng: np.random.Generator, rounds: int
) -> Iterator[list[Measurement]]:
    """Weights through a file, in and out, are the same to the bit and give the oracle's loss and gradients."""
    batch = draw_tokens(rng, (ROWS, SIZES["T"]), SIZES["V"]), draw_tokens(rng, (ROWS,), SIZES["V"])
    foreign = _through_a_file(subject, _drawn(rng, dtype), dtype)
    model = Model(subject, SIZES, dtype, foreign, seed=7)
    _same_bits(model.parameters(), foreign)
    yield against_oracle(model.step(*batch), foreign, batch, dtype)

    source = Model(subject, SIZES, dtype, seed=8)
    own = _through_a_file(subject, source.parameters(), dtype)
    yield against_oracle(source.step(*batch), own, batch, dtype)
    model.load(own)
    _same_bits(model.parameters(), own)
    yield against_oracle(model.step(*batch), own, batch, dtype)


def _drawn(rng: np.random.Generator, dtype: str) -> dict[str, Array]:
    """Weights whose probabilities are far from equal, so that a sample says something."""
    shapes = initial.mlp_shapes(*(SIZES[k] for k in "VTEH"))
    return {name: rng.normal(0, 1 if name == "wte" else 0.5, shape).astype(dtype) for name, shape in shapes.items()}


def decided(rng: np.random.Generator, dtype: str, tokenizer: Any) -> tuple[dict[str, Array], int, list[int]]:
    """Weights, a seed and the oracle's tokens, none of them on the edge between two."""
    while True:
        weights, seed = _drawn(rng, dtype), int(rng.integers(1, 2**62))
        margins: list[float] = []
        uniforms = RNG(seed)

        def logits(context: Array, weights: dict = weights, margins: list = margins, uniforms: RNG = uniforms) -> tuple:
            z = oracle.mlp(weights, context, context[:, 0])["logits"]
            probs = np.exp(z[0] - z.max())
            margins.append(float(np.abs(np.cumsum(probs / probs.sum()) - uniforms.uniform()).min()))
            return z, None

        tokens = list(islice(Sampler(logits, tokenizer, SIZES["T"]).stream(RNG(seed)), TOKENS))
        if min(margins) > UNDECIDED and len(set(tokens)) >= FEWEST_LETTERS:
            return weights, seed, tokens


def _through_a_file(subject: Subject, weights: dict[str, Array], dtype: str) -> dict[str, Array]:
    """Save as a checkpoint of the project and load it again."""
    recipe = Recipe(name="conformance")
    settings = {"context_length": SIZES["T"], "embedding_size": SIZES["E"], "hidden_size": SIZES["H"], "dtype": dtype}
    for key, value in settings.items():
        recipe = recipe.override(f"model.{key}", value)
    tokenizer = load_dataset("names").tokenizer
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        try:
            checkpoints.save(path, checkpoints.Checkpoint(recipe, tokenizer, subject.name, 0, weights))
            return checkpoints.load(path).parameters
        except ValueError as error:
            raise Wrong(f"its weights do not survive a checkpoint: {error}") from error


def _same_bits(found: dict[str, Array], expected: dict[str, Array]) -> None:
    for name, p in expected.items():
        if found[name].shape != p.shape or found[name].tobytes() != p.tobytes():
            raise Wrong(f"{name} is not what was loaded, to the bit")
