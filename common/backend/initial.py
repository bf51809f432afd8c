"""The initial weights, drawn once here, so that every backend starts from the same bytes."""

from __future__ import annotations

from math import sqrt

import numpy as np

from ..numbers.rng import RNG


def mlp_shapes(vocab_size: int, context_length: int, embedding_size: int, hidden_size: int) -> dict[str, tuple]:
    """Names and shapes of the MLP's parameters, in the order in which they are drawn and stored."""
    V, T, E, H = vocab_size, context_length, embedding_size, hidden_size
    return {
        "wte": (V, E),
        "fc1.weight": (H, T * E),
        "fc1.bias": (H,),
        "fc2.weight": (V, H),
        "fc2.bias": (V,),
    }


def mlp_parameters(shapes: dict[str, tuple], rng: RNG, dtype: str) -> dict[str, np.ndarray]:
    """Draw the MLP's weights: `wte` from N(0, 1), a linear layer's weight and bias from U(±1/sqrt(fan in)).

    Drawn in float64 and rounded to `dtype`. The uniform start is that of torch.nn.Linear (He et al. 2015, a = sqrt(5)).
    """
    parameters = {"wte": rng.normal(shapes["wte"], dtype)}
    for layer in ("fc1", "fc2"):
        bound = 1 / sqrt(shapes[f"{layer}.weight"][1])
        for name in (f"{layer}.weight", f"{layer}.bias"):
            parameters[name] = rng.uniform(-bound, bound, shapes[name], dtype)
    return parameters


def linear(M: int, N: int, bias: bool, rng: RNG, dtype: str, gain: float | None = None) -> dict[str, np.ndarray]:
    """Draw `weight` (M, N), then `bias` (M,), from U(±1/sqrt(N)); with a gain, the weight from N(0, gain²/N), no bias.

    In float64, then rounded to `dtype` (He et al. 2015).
    """
    bound = 1 / sqrt(N)
    if gain is None:
        shapes = {"weight": (M, N), "bias": (M,)} if bias else {"weight": (M, N)}
        return {name: rng.uniform(-bound, bound, shape, dtype) for name, shape in shapes.items()}
    weight = (rng.normal((M, N)) * (gain * bound)).astype(dtype)
    return {"weight": weight, "bias": np.zeros(M, dtype)} if bias else {"weight": weight}
