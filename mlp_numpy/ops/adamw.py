"""adamw: Adam with weight decay that does not pass through the moments."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np

from ..arithmetic import Native

BLOCK = 2**16  # numbers


def adamw_step(
    p: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    g: np.ndarray,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    by: type = Native,
) -> None:
    """m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
    p = (1 - lr weight_decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
    p (...)  m (...)  v (...)  g (...)  ->  p (...)  m (...)  v (...)
    """
    blocks = _blocks(p, m, v, g)
    for p, m, v, g in blocks:
        scratch = (1 - beta1) * g  # the one array that is made
        m *= beta1
        m += scratch
        np.multiply(g, g, out=scratch)
        scratch *= 1 - beta2
        v *= beta2
        v += scratch
        by.sqrt(v, out=scratch)
        scratch /= sqrt(1 - beta2**t)
        scratch += eps
        np.divide(m, scratch, out=scratch)
        scratch *= lr / (1 - beta1**t)
        p *= 1 - lr * weight_decay
        p -= scratch


def _blocks(*arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The arrays side by side, as many rows at a time as stay in the cache from one line of the step to the next."""
    arrays = tuple(map(np.atleast_1d, arrays))
    length, size = len(arrays[0]), arrays[0].size
    rows = max(1, BLOCK * length // max(1, size))
    for i in range(0, length, rows):
        yield tuple(a[i : i + rows] for a in arrays)
