"""Batches and weights of the MLP on which a wrong implementation cannot look right.

Every size differs from the others, so a transposed weight does not fit; tokens and targets repeat, so that accumulation
matters; biases are not zero, signs are mixed, and some logits overflow exp unless the maximum is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from .ops import OVERFLOWING_LOGIT, draw_sizes, draw_tokens
from .shapes import sizes_from
from .wide import LARGEST, MOST_NUMBERS, MOST_PRODUCTS, log_uniform

Array = np.ndarray


@dataclass(frozen=True)
class MLPCase:
    """A batch, and the weights of the model that it goes through."""

    title: str
    sizes: dict[str, int]
    weights: dict[str, Array]
    inputs: Array
    targets: Array


def random_mlp_case(
    rng: np.random.Generator, dtype: DTypeLike
) -> tuple[dict[str, int], dict[str, Array], Array, Array]:
    """sizes (B, T, E, H, V), parameters of oracle.mlp in dtype, inputs (B,T) and targets (B,), int64.

    In one case of five a token's bias alone overflows exp: its probability is 1, and no row's target is that token.
    """
    sizes = draw_sizes(rng)
    B, T, V = (sizes[k] for k in "BTV")
    parameters = random_parameters(rng, sizes, rng.uniform(0.3, 0.65))  # the project starts training at 0.58
    inputs, targets = draw_tokens(rng, (B, T), V), draw_tokens(rng, (B,), V)
    if rng.random() < 1 / 5:
        parameters["fc2.bias"][V - 2] += OVERFLOWING_LOGIT[np.dtype(dtype)]
        targets[targets == V - 2] = V - 1  # such a row has no gradient: dropping it would not show
    return sizes, {k: p.astype(dtype) for k, p in parameters.items()}, inputs, targets


def drawn_mlp_sizes(rng: np.random.Generator) -> dict[str, int]:
    """Every size log-uniform to 2,000, drawn again while there is too much to compute; enough rows that sums do not
    cancel to nothing."""
    rng = sizes_from(rng)
    while True:
        B, T, E, H, V = (log_uniform(rng, LARGEST) for _ in range(5))
        if B * H * (T * E + V) <= MOST_PRODUCTS and V * E + H * (T * E + V) <= MOST_NUMBERS and B >= 2 and V >= 2:
            return {"B": B, "T": T, "E": E, "H": H, "V": V}


def random_parameters(
    rng: np.random.Generator, sizes: dict[str, int], gain: float, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Parameters of oracle.mlp, with biases that are not zero."""
    T, E, H, V = (sizes[k] for k in "TEHV")
    shapes = {"wte": (V, E), "fc1.weight": (H, T * E), "fc1.bias": (H,), "fc2.weight": (V, H), "fc2.bias": (V,)}
    scales = {"wte": 1.0, "fc1.weight": gain / np.sqrt(T * E), "fc2.weight": gain / np.sqrt(H)}
    return {k: rng.normal(0, scales.get(k, 0.3), shape).astype(dtype) for k, shape in shapes.items()}


def random_batch(rng: np.random.Generator, sizes: dict[str, int], B: int) -> tuple[Array, Array]:
    """inputs (B,T) and targets (B,), int64."""
    rows = max(B, 4)  # what draw_tokens needs
    return draw_tokens(rng, (rows, sizes["T"]), sizes["V"])[:B], draw_tokens(rng, (rows,), sizes["V"])[:B]


def ordinary_case(seed: int, dtype: str, batch_size: int | None = None) -> MLPCase:
    """A random case in which no logit overflows exp, of any batch size."""
    rng = np.random.default_rng(seed)
    while True:
        sizes, weights, inputs, targets = random_mlp_case(rng, dtype)
        if np.abs(weights["fc2.bias"]).max() < min(OVERFLOWING_LOGIT.values()) / 2:
            break
    if batch_size is not None:
        sizes = {**sizes, "B": batch_size}
        inputs, targets = random_batch(rng, sizes, batch_size)
    return MLPCase("an ordinary batch", sizes, weights, inputs, targets)


def overflowing_case(case: MLPCase, dtype: str) -> MLPCase:
    """The same with one token's bias so large that exp of its logit is infinite; it is the target of no row."""
    weights, V = {name: p.copy() for name, p in case.weights.items()}, case.sizes["V"]
    weights["fc2.bias"][V - 2] += OVERFLOWING_LOGIT[np.dtype(dtype)]
    targets = np.where(case.targets == V - 2, V - 1, case.targets)
    return MLPCase("a batch whose logits overflow exp", case.sizes, weights, case.inputs, targets)
