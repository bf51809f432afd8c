"""The optimizers in numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nnz.backend import clipping, optimizers

from .runtime import BLOCK, OPS


class SGD(optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__
    ops_by_precision = OPS


class AdamW(optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__
    ops_by_precision = OPS

    def _update(self, p: np.ndarray, m: np.ndarray, v: np.ndarray, g: np.ndarray) -> None:
        """Large arrays block by block, so that each stays in the cache from one line of the step to the next.

        With the 27,755 words of a book the whole training step takes a quarter less.
        """
        blocks: list[Sequence[np.ndarray]] = [(p, m, v, g)]
        if p.size > BLOCK:
            flat = [array.reshape(-1) for array in (p, m, v, g)]
            blocks = [[array[i : i + BLOCK] for array in flat] for i in range(0, p.size, BLOCK)]
        for block in blocks:
            super()._update(*block)


def clip_grad_norm(grads: Mapping[str, np.ndarray], max_norm: float, precision: str = "native") -> float:
    return clipping.clip_grad_norm(OPS, grads, max_norm, precision)


clip_grad_norm.__doc__ = clipping.clip_grad_norm.__doc__
