"""Attention of new tokens to those before them, whose keys and values are kept: generation computes each token once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cached_attention(qkv: Tensor, kept: Tensor, past: int) -> Tensor:
    """y of attention_forward for n tokens that follow `past` others; their own keys and values are kept from now on.
    qkv (B,n,3,E)  kept (2,B,H,T,E/H)  ->  y (B,n,E)

    By torch's own kernel.
    """
    B, n, _, E = qkv.shape
    H, S = kept.shape[2], past + n
    q, k, v = qkv.view(B, n, 3, H, E // H).permute(2, 0, 3, 1, 4).unbind(0)  # each (B,H,n,E/H)
    kept[0, :, :, past:S], kept[1, :, :, past:S] = k, v
    k, v = kept[:, :, :, :S].unbind(0)  # each (B,H,S,E/H)
    seen = None if n == 1 else torch.ones(n, S, dtype=torch.bool, device=q.device).tril(past)  # a token sees itself
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)  # (B,H,n,E/H)
    return y.transpose(1, 2).reshape(B, n, E)
