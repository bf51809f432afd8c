"""attention: each token takes from those before it, and from itself, by how well its query fits their keys."""

from __future__ import annotations

from math import inf, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor


def attention_forward(qkv: Tensor, mask: Tensor | None, H: int) -> tuple[Tensor, Tensor]:
    """probs[t,u] = softmax over u <= t of q[t] . k[u] / sqrt(E/H), else 0,
    y[t] = sum of probs[t,u] mask[t,u] v[u] over u, in each head; q, k, v = qkv[:,:,0], qkv[:,:,1], qkv[:,:,2]
    qkv (B,T,3,E)  mask (B,H,T,T)  ->  y (B,T,E)  probs (B,H,T,T)
    """
    q, k, v = _heads(qkv, H)  # each (B,H,T,E/H)
    scores = q @ k.mT / sqrt(q.shape[3])  # (B,H,T,E/H) @ (B,H,E/H,T) -> (B,H,T,T)
    scores = scores.masked_fill(torch.ones_like(scores[0, 0], dtype=torch.bool).triu(1), -inf)  # exp(-inf) = 0: unseen
    probs = scores.softmax(dim=3)
    y = (probs if mask is None else probs * mask) @ v  # (B,H,T,T) @ (B,H,T,E/H) -> (B,H,T,E/H)
    return _side_by_side(y), probs.detach()


def fused_attention(qkv: Tensor, H: int) -> Tensor:
    """y of attention_forward without a mask, by torch's own kernel, which keeps no probs (Dao et al. 2022)."""
    return _side_by_side(F.scaled_dot_product_attention(*_heads(qkv, H), is_causal=True))


def attention_backward(dy: Tensor, qkv: Tensor, probs: Tensor, mask: Tensor | None) -> Tensor:
    """dv[u] = sum of probs[t,u] mask[t,u] dy[t] over t, dprobs[t,u] = mask[t,u] dy[t] . v[u],
    dscores[t,u] = probs[t,u] (dprobs[t,u] - sum of probs[t,w] dprobs[t,w] over w) / sqrt(E/H),
    dq[t] = sum of dscores[t,u] k[u] over u, dk[u] = sum of dscores[t,u] q[t] over t
    dy (B,T,E)  qkv (B,T,3,E)  probs (B,H,T,T)  mask (B,H,T,T)  ->  dqkv (B,T,3,E)

    Autograd computes the probs again.
    """
    H = probs.shape[1]
    return torch.func.vjp(lambda qkv: attention_forward(qkv, mask, H)[0], qkv)[1](dy)[0]


def _heads(qkv: Tensor, H: int) -> tuple[Tensor, ...]:
    """qkv (B,T,3,E)  ->  q, k, v, each (B,H,T,E/H)"""
    B, T, _, E = qkv.shape
    return qkv.reshape(B, T, 3, H, E // H).permute(2, 0, 3, 1, 4).unbind(0)


def _side_by_side(y: Tensor) -> Tensor:
    """The heads of a token, next to each other        y (B,H,T,E/H)  ->  (B,T,E)"""
    return y.transpose(1, 2).flatten(2)  # by way of (B,T,H,E/H)
