"""Attention of new tokens to those before them, whose keys and values are kept: generation computes each token once."""

from __future__ import annotations

from math import sqrt

import numpy as np


def cached_attention(qkv: np.ndarray, kept: np.ndarray, past: int) -> np.ndarray:
    """y of attention_forward for n tokens that follow `past` others; their own keys and values are kept from now on.
    qkv (B,n,3,E)  kept (2,B,H,T,E/H)  ->  y (B,n,E)
    """
    B, n, _, E = qkv.shape
    H, S = kept.shape[2], past + n
    q, k, v = qkv.reshape(B, n, 3, H, E // H).transpose(2, 0, 3, 1, 4)  # each (B,H,n,E/H)
    kept[0, :, :, past:S], kept[1, :, :, past:S] = k, v
    k, v = kept[:, :, :, :S]  # each (B,H,S,E/H)
    scores = q @ k.swapaxes(2, 3) / sqrt(E // H)  # (B,H,n,E/H) @ (B,H,E/H,S) -> (B,H,n,S)
    if n > 1:  # a token sees itself and those before it
        scores = np.where(np.tri(n, S, past, dtype=bool), scores, -np.inf)
    exps = np.exp(scores - scores.max(axis=3, keepdims=True))
    y = exps / exps.sum(axis=3, keepdims=True) @ v  # (B,H,n,S) @ (B,H,S,E/H) -> (B,H,n,E/H)
    return y.swapaxes(1, 2).reshape(B, n, E)
