"""How far a correct GPT may be off: no bound, which would grow with each block, but 32 times what rounding costs in it.

The oracle computes the model again and changes the result of each operation by up to u at random (Parker 1997, Monte
Carlo Arithmetic); T2's factor is what it may be off by more than that. See docs/numerics.md.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..oracle.gpt import gpt
from .compare import T2_LIMIT
from .rounding import unit_roundoff

Array = np.ndarray
NOISY_PASSES = 4


def gpt_with_limits(
    parameters: dict[str, Array], inputs: Array, targets: Array, dtype: DTypeLike, **switches: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(every tensor of oracle.gpt, how far each of its numbers may be off); `switches` are the oracle's."""
    exact = gpt(parameters, inputs, targets, **switches)
    noise = {name: unit_roundoff(dtype) * np.abs(value).max() for name, value in exact.items()}
    for number in range(NOISY_PASSES):
        noisy = gpt(parameters, inputs, targets, **switches, rounded=_Noise(dtype, number))
        noise = {name: max(noise[name], np.abs(noisy[name] - value).max()) for name, value in exact.items()}
    return exact, {name: np.full(np.shape(value), T2_LIMIT * noise[name]) for name, value in exact.items()}


class _Noise:
    """x (1 + u r), r between -1 and 1: as if x had been rounded."""

    def __init__(self, dtype: DTypeLike, seed: int) -> None:
        self._u, self._rng = unit_roundoff(dtype), np.random.default_rng(seed)

    def __call__(self, x: Array) -> Array:
        return x * (1 + self._u * self._rng.uniform(-1, 1, np.shape(x)))
