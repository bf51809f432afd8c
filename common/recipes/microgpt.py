"""What microgpt draws from one generator of Python's random numbers: the order of the documents, weights, names.

Karpathy 2026, microgpt: random.seed(42), random.shuffle(docs), random.gauss(0, 0.08), random.choices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..numbers.mersenne_twister import MersenneTwister

STD = 0.08
FIRST = ("wte.weight", "wpe.weight", "head.weight")  # then those of each block, in their order


class Uniforms(MersenneTwister):
    """Drawn as nnz.RNG's are: choices() takes the first token whose running sum of probabilities is above one."""

    def uniform(self, size: int | tuple[int, ...] | None = None) -> float | np.ndarray:
        """Of [0, 1), or so many."""
        if size is None:
            return self.random()
        return np.array([self.random() for _ in range(math.prod(np.atleast_1d(size)))]).reshape(size)


def shuffled(seed: int, dataset: Any) -> Uniforms:
    """The generator, once it has shuffled the documents of all splits."""
    rng = Uniforms(seed)
    rng.shuffle(list(range(documents(dataset).count("\n"))))
    return rng


def documents(dataset: Any) -> str:
    """All documents, each on its line, in the order in which they were shuffled; val may be test too."""
    return "".join(dict.fromkeys(split.text for split in (dataset.train, dataset.val, dataset.test)))


def weights(rng: MersenneTwister, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Each from N(0, 0.08^2), row by row: both embeddings, the head, then q, k, v and the rest of each block."""
    names = [*FIRST, *(name for name in shapes if name not in FIRST)]
    drawn = {
        name: np.array([rng.gauss(0, STD) for _ in range(math.prod(shapes[name]))]).reshape(shapes[name])
        for name in names
    }
    return {name: drawn[name] for name in shapes}


def drawn(seed: int, dataset: Any, parameters: Mapping[str, np.ndarray]) -> Uniforms:
    """The generator, once it has drawn the weights too: names come next."""
    rng = shuffled(seed, dataset)
    weights(rng, {name: p.shape for name, p in parameters.items()})
    return rng
