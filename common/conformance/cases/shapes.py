"""Few shapes, for a backend that compiles a program for each: `SHAPES = "few"` in its module."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FEW = 2  # draws of every kind of size


class FewShapes(np.random.Generator):
    """Numbers as np.random.default_rng(seed) draws them; but sizes are one of FEW draws, the same in every check."""

    def __init__(self, seed: Sequence[int]) -> None:
        super().__init__(np.random.PCG64(seed))
        self.seed = seed[0]


def sizes_from(rng: np.random.Generator) -> np.random.Generator:
    """What to draw the sizes of a case from, where the numbers in it are drawn from `rng`."""
    if isinstance(rng, FewShapes):
        return np.random.default_rng([rng.seed, int(rng.integers(FEW))])
    return rng
