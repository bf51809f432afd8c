"""How far a correct GPT may be off: no bound, which would grow with each block, but 32 times what rounding costs in it.

The oracle computes the model again and changes the result of each operation by up to u at random (Parker 1997, Monte
Carlo Arithmetic); T2's factor is what it may be off by more than that. See docs/numerics.md.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..oracle.gpt import gpt
from .compare import PROBABLE, T2_LIMIT
from .rounding import unit_roundoff

Array = np.ndarray
NOISY_PASSES = 4
SEEN = 2.0**-40  # the least noise that float64 can carry, which rounds x (1 + u r) to x; of less, its share


def gpt_with_limits(
    parameters: dict[str, Array],
    inputs: Array,
    targets: Array,
    dtype: DTypeLike,
    terms: int = 1,
    **switches: Any,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(every tensor of oracle.gpt, how far each of its numbers may be off); `switches` are the oracle's.

    A number before a ReLU that is as near to 0 as it may be off may have the other sign: what that changes is allowed.
    """
    compute = partial(gpt, parameters, inputs, targets, **switches)
    exact, limits = with_limits(compute, dtype, terms)
    is_relu = switches["activation"] == "relu"
    for name in [name for name in exact if is_relu and name.startswith("blocks.") and name.endswith(".a_pre")]:
        for place in np.argwhere(np.abs(exact[name]) <= limits[name]):
            other = compute(rounded=_OtherSign(exact[name], tuple(place)))
            limits = {name: limit + np.abs(other[name] - exact[name]) for name, limit in limits.items()}
    return exact, limits


def with_limits(
    compute: Callable[..., dict[str, Array]], dtype: DTypeLike, terms: int = 1
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The tensors of `compute(rounded=...)`, in which each result passes through `rounded`; how far each may be off.

    `terms` is the number of terms in its longest sum: T2's factor allows for (T2_LIMIT / PROBABLE)^2 of them.
    """
    factor = max(T2_LIMIT, PROBABLE * terms**0.5)
    u = unit_roundoff(dtype)
    seen = max(u, SEEN)
    exact = compute(rounded=lambda x: x)
    noise = {name: seen * np.abs(value).max() for name, value in exact.items()}
    for number in range(NOISY_PASSES):
        noisy = compute(rounded=_Noise(seen, number))
        noise = {name: max(noise[name], np.abs(noisy[name] - value).max()) for name, value in exact.items()}
    return exact, {name: np.full(np.shape(value), factor * u / seen * noise[name]) for name, value in exact.items()}


class _Noise:
    """x (1 + u r), r between -1 and 1: as if x had been rounded."""

    def __init__(self, u: float, seed: int) -> None:
        self._u, self._rng = u, np.random.default_rng(seed)

    def __call__(self, x: Array) -> Array:
        return x * (1 + self._u * self._rng.uniform(-1, 1, np.shape(x)))


class _OtherSign:
    """One number of one tensor has the other sign; the oracle, which computes the same again, passes it on as it is."""

    def __init__(self, tensor: Array, place: tuple[int, ...]) -> None:
        self._tensor, self._place = tensor, place

    def __call__(self, x: Array) -> Array:
        if np.array_equal(x, self._tensor):
            x = x.copy()
            x[self._place] = -x[self._place] or np.finfo(float).tiny
        return x
