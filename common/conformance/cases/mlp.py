"""Inputs on which a wrong implementation cannot look right.

Every size differs from the others, so no transpose fits by luck; tokens and targets repeat, so accumulation shows;
biases are not zero, signs are mixed, and some logits overflow an exponential without the maximum taken off.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .draws import OVERFLOWING_LOGIT, draw_sizes, draw_tokens
from .ops import OP_CASES, Case

Array = np.ndarray


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
        targets[targets == V - 2] = V - 1  # a row that aims at it would have no gradient, and could be dropped unseen
    return sizes, {k: p.astype(dtype) for k, p in parameters.items()}, inputs, targets


def random_parameters(
    rng: np.random.Generator, sizes: dict[str, int], gain: float, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Parameters of oracle.mlp, with biases that are not zero."""
    T, E, H, V = (sizes[k] for k in "TEHV")
    shapes = {"wte": (V, E), "fc1.weight": (H, T * E), "fc1.bias": (H,), "fc2.weight": (V, H), "fc2.bias": (V,)}
    scales = {"wte": 1.0, "fc1.weight": gain / np.sqrt(T * E), "fc2.weight": gain / np.sqrt(H)}
    return {k: rng.normal(0, scales.get(k, 0.3), shape).astype(dtype) for k, shape in shapes.items()}


def op_cases(op_name: str, rng: np.random.Generator, dtype: DTypeLike) -> list[Case]:
    """Arguments by name for one function of bounds.OUTPUTS, arrays in dtype; a few cases, unlike each other."""
    if op_name not in OP_CASES:
        raise ValueError(f"no cases for {op_name!r}; there are some for each of {', '.join(OP_CASES)}")

    def rounded(value: Any) -> Any:
        return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    made = OP_CASES[op_name](rng, draw_sizes(rng), OVERFLOWING_LOGIT[np.dtype(dtype)])
    return [{name: rounded(value) for name, value in case.items()} for case in made]
