"""How far two honest computations of the same GPT may lie apart; every figure a test or a check uses stands here."""

from __future__ import annotations

import math

import numpy as np

from nnz.backend.gpt_config import GPTConfig

# The gradient of every parameter against the float64 oracle, as a share of the tensor's largest entry.
# Measured on the models of the tests: at most 7.6e-7 and 2.5e-15.
GRADIENT_LIMIT = {"float32": 1e-4, "float64": 1e-12}

# Logits against those of Hugging Face transformers, absolute. Measured: at most 9.5e-7 and 3.1e-15.
TRANSFORMERS_LIMIT = {"float32": 1e-5, "float64": 1e-12}

# How many times faster generation is with a cache than without, at 256 tokens of context. Measured, on one
# core and for the course's GPT: 6 to 9.
CACHE_SPEEDUP = 5


def roundings(config: GPTConfig) -> int:
    """How many roundings lie, one after the other, between an embedding and a logit.

    A norm sums E terms twice, qkv, the projection, fc1 and the head sum E, fc2 4 E; a score sums hs, its softmax and
    the values T each.
    """
    E, T = config.n_embd, config.context_length
    hs = E // config.n_head
    attention = 2 * E + E + hs + 2 * T + E
    mlp = 2 * E + E + 4 * E
    return config.n_layer * (attention + mlp) + 2 * E + E


def logit_error(config: GPTConfig, logits: np.ndarray) -> float:
    """sqrt(n) u max|logits|: how far logits may be off whose sums ran in another order.

    n roundings grow like sqrt(n) u, not n u, where they are independent (Higham and Mary 2019). A first-order figure:
    it takes the model to be well conditioned, as trained ones are. Measured: at most a sixth of it.
    """
    u = float(np.finfo(logits.dtype).eps) / 2
    return math.sqrt(roundings(config)) * u * float(np.abs(logits).max())
