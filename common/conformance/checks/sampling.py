"""Sampling: the same seed draws the oracle's tokens."""

from __future__ import annotations

import numpy as np

from nnz.backend import initial
from nnz.numbers.rng import RNG
from nnz.runs.choice import Choice
from nnz.runs.sampling import Sampler
from nnz.text.datasets import load_dataset

from ..oracle import mlp as oracle
from .backend_under_test import Array, BackendUnderTest, Wrong, as_array
from .model_under_test import Model, compare_with_oracle
from .ops import Measured

TOKENS, MIN_LETTERS = 64, 5
# A uniform so near to a cumulative sum may be on either side of it in float32, with errors of 2^-21.
AMBIGUOUS = 2.0**-16
NAMES = 27  # tokens
SIZES = {"V": NAMES, "T": 3, "E": 5, "H": 11}


def samples(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """TOKENS tokens from one seed, equal to the oracle's; then the logits of all their contexts at once."""
    tokenizer = load_dataset("names").tokenizer
    weights, seed, expected = unambiguous_sample(rng, dtype, NAMES, Choice())
    model = Model(backend, SIZES, dtype, weights)

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
    yield compare_with_oracle({"logits": model.forward(batch[0])[0]}, weights, batch, dtype)


def unambiguous_sample(
    rng: np.random.Generator, dtype: str, V: int, choice: Choice
) -> tuple[dict[str, Array], int, list[int]]:
    """Weights, a seed and the oracle's tokens from a context of zeros, where no rounding error can change a token."""
    while True:
        weights, seed = random_weights(rng, dtype, V), int(rng.integers(1, 2**62))
        context, uniforms, tokens = [0] * SIZES["T"], RNG(seed), []
        for _ in range(TOKENS):
            z, u = oracle.mlp(weights, np.array([context]), np.zeros(1, int))["logits"][0], uniforms.uniform()
            if (token := choice.certain_token(z, u, AMBIGUOUS)) is None:
                break
            tokens.append(token)
            context = [*context[1:], token]
        letters = MIN_LETTERS if choice.temperature else 2  # greedy: one token, again and again, proves nothing
        if len(tokens) == TOKENS and len(set(tokens)) >= letters:
            return weights, seed, tokens


def random_weights(rng: np.random.Generator, dtype: str, V: int) -> dict[str, Array]:
    """Weights with probabilities far from equal, so that a sample shows a mistake."""
    shapes = initial.mlp_shapes(V, *(SIZES[k] for k in "TEH"))
    return {name: rng.normal(0, 1 if name == "wte" else 0.5, shape).astype(dtype) for name, shape in shapes.items()}
