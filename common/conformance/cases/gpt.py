"""Batches, weights and switches of the GPT on which a wrong implementation cannot look right.

Every size differs from the others, tokens repeat, biases are not zero, and the attention is far from uniform.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nnz.backend import initial
from nnz.backend.gpt_config import GPTConfig

from .ops import Array, draw_tokens
from .shapes import sizes_from

SWITCHES = {  # one of each is drawn
    "activation": ("relu", "gelu"),
    "norm": ("layer", "layer", "rms"),
    "qkv_bias": (False, True),
    "linear_bias": (True, False),
    "head_bias": (True, False),
    "tied_head": (False, True),
    "norm_first": (False, False, True),
}
HEADS, HEAD_SIZES, LAYERS = (1, 2, 3), (7, 8, 9), (1, 2, 3)
VOCABULARIES, CONTEXTS, ROWS = (11, 13, 29), (5, 6, 10), (2, 3, 4)
DROPPED = {"dropout": 0.3, "embedding_dropout": 0.2}


@dataclass(frozen=True)
class GPTCase:
    """A batch, and the shape and the weights of the model that it goes through."""

    config: GPTConfig
    weights: dict[str, Array]
    inputs: Array
    targets: Array

    @property
    def settings(self) -> dict[str, Any]:
        """What the constructor takes, but for the dtype."""
        names = ("vocab_size", "context_length", "n_layer", "n_head", "n_embd", *DROPPED, *SWITCHES)
        return {name: getattr(self.config, name) for name in names}


def random_gpt_case(rng: np.random.Generator, dtype: DTypeLike, **changes: Any) -> GPTCase:
    """A model of one to three blocks without dropout, unless `changes` are other fields of its config."""
    sizes = sizes_from(rng)
    n_head, size, layers, V, T = (int(sizes.choice(p)) for p in (HEADS, HEAD_SIZES, LAYERS, VOCABULARIES, CONTEXTS))
    switches = {name: sizes.choice(pool).item() for name, pool in SWITCHES.items()}
    given = {"context_length": T, "n_layer": layers, "n_head": n_head, "n_embd": n_head * size, "dropout": 0.0}
    config = GPTConfig(**({"vocab_size": V, "dtype": str(np.dtype(dtype))} | given | switches | changes))
    inputs, targets = random_gpt_batch(rng, config, int(sizes.choice(ROWS)))
    return GPTCase(config, random_gpt_weights(rng, config), inputs, targets)


def gpt_case(seed: int, dtype: DTypeLike, batch_size: int | None = None) -> GPTCase:
    """A random case of two blocks or three, of any batch size."""
    rng = np.random.default_rng(seed)
    case = random_gpt_case(rng, dtype, n_layer=int(rng.integers(2, 4)))
    if batch_size is None:
        return case
    inputs, targets = random_gpt_batch(rng, case.config, batch_size)
    return replace(case, inputs=inputs, targets=targets)


def random_gpt_batch(rng: np.random.Generator, config: GPTConfig, B: int, T: int | None = None) -> tuple[Array, Array]:
    """inputs and targets (B,T), int64; T is one less than the context if that is not 1, so that the last position is
    left out."""
    T = max(config.context_length - 1, 1) if T is None else T
    rows = max(B, 4)  # what draw_tokens needs
    return tuple(draw_tokens(rng, (rows, T), config.vocab_size)[:B] for _ in range(2))


def random_gpt_weights(rng: np.random.Generator, config: GPTConfig) -> dict[str, Array]:
    """Matrices that keep the size of what they are given, gains around 1, biases that are not zero."""
    weights = {}
    for name, shape in initial.gpt_shapes(config).items():
        scale, centre = (0.3, 1.0 if name.endswith("weight") else 0.0) if len(shape) == 1 else (shape[1] ** -0.5, 0.0)
        weights[name] = rng.normal(centre, 1.0 if name.startswith("w") else scale, shape).astype(config.dtype)
    return weights
