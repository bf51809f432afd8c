"""The initial weights, drawn once here, so that every backend starts from the same bytes."""

from __future__ import annotations

from math import sqrt

import numpy as np

from ..numbers.rng import RNG
from .gpt_config import GPTConfig

INITIAL_SCALE = 0.02  # the standard deviation of the GPT's weights


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


def gpt_shapes(config: GPTConfig) -> dict[str, tuple]:
    """Names and shapes of the GPT's parameters, in the order in which they are drawn and stored."""
    V, T, E, c = config.vocab_size, config.context_length, config.n_embd, config

    def linear(name: str, M: int, N: int, bias: bool) -> dict[str, tuple]:
        return {f"{name}.weight": (M, N)} | ({f"{name}.bias": (M,)} if bias else {})

    def norm(name: str) -> dict[str, tuple]:
        return {f"{name}.weight": (E,), f"{name}.bias": (E,)} if c.norm == "layer" else {}

    shapes = {"wte.weight": (V, E), "wpe.weight": (T, E)}
    for block in (f"blocks.{layer}" for layer in range(c.n_layer)):
        shapes |= norm(f"{block}.norm1") | linear(f"{block}.attention.qkv", 3 * E, E, c.qkv_bias)
        shapes |= linear(f"{block}.attention.proj", E, E, c.linear_bias) | norm(f"{block}.norm2")
        shapes |= linear(f"{block}.mlp.fc1", 4 * E, E, c.linear_bias)
        shapes |= linear(f"{block}.mlp.fc2", E, 4 * E, c.linear_bias)
    shapes |= norm("norm") | linear("head", V, E, c.head_bias)
    return {name: shape for name, shape in shapes.items() if not (c.tied_head and name == "head.weight")}


def gpt_parameters(shapes: dict[str, tuple], rng: RNG, dtype: str) -> dict[str, np.ndarray]:
    """Draw the GPT's weights: every matrix from N(0, 0.02²), in float64 and rounded; norms' weights 1, biases 0.

    As GPT-2 starts (Radford et al. 2018, section 4.1).
    """
    parameters = {}
    for name, shape in shapes.items():
        if len(shape) == 2:
            parameters[name] = (INITIAL_SCALE * rng.normal(shape)).astype(dtype)
        else:
            parameters[name] = np.full(shape, 1.0 if name.endswith("weight") else 0.0, dtype)
    return parameters
