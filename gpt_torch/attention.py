"""Causal self-attention, twice: every step spelled out, and torch's fused kernel, which never stores the weights."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnz.backend.gpt_config import GPTConfig

from .cache import LayerCache
from .dropout import Counter, Dropout


class Attention(nn.Module):
    """y = softmax(q k^T / sqrt(hs), causal) v in nh heads side by side, then a projection (Vaswani et al. 2017, 3.2).

    hs = E / nh. With a cache, x (B, T, E) are the newest T tokens, and S >= T counts those of the cache too.
    """

    def __init__(self, config: GPTConfig, site: int, counter: Counter | None) -> None:
        super().__init__()
        E = config.n_embd
        self.n_head, self.attend = config.n_head, ATTEND[config.attention]
        self.dropout = Dropout(config.dropout, site, counter)  # of the weights
        self.qkv = nn.Linear(E, 3 * E, bias=config.qkv_bias)  # one product for all three, and for all heads
        self.proj = nn.Linear(E, E, bias=config.linear_bias)
        self.proj_dropout = Dropout(config.dropout, site + 1, counter)

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """x (B, T, E) -> (B, T, E)."""
        B, T, E = x.shape
        q, k, v = self.heads(self.qkv(x))  # each (B, nh, T, hs)
        if cache is not None:
            k, v = cache.append(k, v)  # (B, nh, S, hs)
        y = self.attend(q, k, v, self.dropout)  # (B, nh, T, hs)
        y = y.transpose(1, 2).reshape(B, T, E)  # (B, nh, T, hs) -> (B, T, nh, hs) -> (B, T, E)
        return self.proj_dropout(self.proj(y))

    def heads(self, qkv: Tensor) -> tuple[Tensor, ...]:
        """qkv (B, T, 3*E) -> q, k, v, each (B, nh, T, hs)."""
        B, T, _ = qkv.shape
        qkv = qkv.view(B, T, 3, self.n_head, -1)  # (B, T, 3*E) -> (B, T, 3, nh, hs)
        return qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (3, B, nh, T, hs)


def attention_weights(q: Tensor, k: Tensor) -> Tensor:
    """weights = softmax(q k^T / sqrt(hs)) over the keys up to the query's own; q (B, nh, T, hs) -> (B, nh, T, S)."""
    T, S = q.size(-2), k.size(-2)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))  # (B, nh, T, hs) @ (B, nh, hs, S) -> (B, nh, T, S)
    return scores.masked_fill(~_causal(T, S, q.device), -math.inf).softmax(dim=-1)  # exp(-inf) = 0: unseen


def spelled_out(q: Tensor, k: Tensor, v: Tensor, dropout: Dropout) -> Tensor:
    """y = dropout(weights) v; q (B, nh, T, hs), k and v (B, nh, S, hs) -> (B, nh, T, hs)."""
    weights = dropout(attention_weights(q, k))
    return weights @ v  # (B, nh, T, S) @ (B, nh, S, hs) -> (B, nh, T, hs)


def fused(q: Tensor, k: Tensor, v: Tensor, dropout: Dropout) -> Tensor:
    """The same in torch's kernel, block by block in fast memory (Dao et al. 2022, FlashAttention)."""
    if dropout.is_counted:  # a mask that the kernel does not take
        return spelled_out(q, k, v, dropout)
    T, S = q.size(-2), k.size(-2)
    mask = None if T in (1, S) else _causal(T, S, q.device)  # is_causal is meant for T = S; one query sees every key
    rate = dropout.p if dropout.training else 0.0
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=rate, is_causal=T == S)


ATTEND = {"spelled out": spelled_out, "fused": fused}


def _causal(T: int, S: int, device: torch.device) -> Tensor:
    """(T, S), true where query t sees key s: the last of T queries is the last of S tokens, s - t <= S - T."""
    return torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)
