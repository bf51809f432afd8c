"""attention: each token takes from those before it, and from itself, by how well its query fits their keys."""

from __future__ import annotations

from math import sqrt

import numpy as np


def attention_forward(qkv: np.ndarray, mask: np.ndarray | None, H: int) -> tuple[np.ndarray, np.ndarray]:
    """probs[t,u] = softmax over u <= t of q[t] . k[u] / sqrt(E/H), else 0,
    y[t] = sum of probs[t,u] mask[t,u] v[u] over u, in each head; q, k, v = qkv[:,:,0], qkv[:,:,1], qkv[:,:,2]
    qkv (B,T,3,E)  mask (B,H,T,T)  ->  y (B,T,E)  probs (B,H,T,T)
    """
    T, E = qkv.shape[1], qkv.shape[3]
    q, k, v = _heads(qkv, H)  # each (B,H,T,E/H)
    scores = q @ k.swapaxes(2, 3) / sqrt(E // H)  # (B,H,T,E/H) @ (B,H,E/H,T) -> (B,H,T,T)
    scores = np.where(np.tri(T, dtype=bool), scores, -np.inf)  # query t sees the keys u <= t; exp(-inf) = 0
    exps = np.exp(scores - scores.max(axis=3, keepdims=True))
    probs = exps / exps.sum(axis=3, keepdims=True)
    y = (probs if mask is None else probs * mask) @ v  # (B,H,T,T) @ (B,H,T,E/H) -> (B,H,T,E/H)
    return _side_by_side(y), probs


def attention_backward(dy: np.ndarray, qkv: np.ndarray, probs: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """dv[u] = sum of probs[t,u] mask[t,u] dy[t] over t, dprobs[t,u] = mask[t,u] dy[t] . v[u],
    dscores[t,u] = probs[t,u] (dprobs[t,u] - sum of probs[t,w] dprobs[t,w] over w) / sqrt(E/H),
    dq[t] = sum of dscores[t,u] k[u] over u, dk[u] = sum of dscores[t,u] q[t] over t
    dy (B,T,E)  qkv (B,T,3,E)  probs (B,H,T,T)  mask (B,H,T,T)  ->  dqkv (B,T,3,E)
    """
    B, T, _, E = qkv.shape
    H = probs.shape[1]
    q, k, v = _heads(qkv, H)  # each (B,H,T,E/H)
    dy = dy.reshape(B, T, H, E // H).swapaxes(1, 2)  # (B,H,T,E/H)
    dv = (probs if mask is None else probs * mask).swapaxes(2, 3) @ dy  # (B,H,T,T) @ (B,H,T,E/H) -> (B,H,T,E/H)
    dprobs = dy @ v.swapaxes(2, 3)  # (B,H,T,E/H) @ (B,H,E/H,T) -> (B,H,T,T)
    if mask is not None:
        dprobs *= mask
    dscores = probs * (dprobs - (probs * dprobs).sum(axis=3, keepdims=True)) / sqrt(E // H)
    dq = dscores @ k  # (B,H,T,T) @ (B,H,T,E/H) -> (B,H,T,E/H)
    dk = dscores.swapaxes(2, 3) @ q
    dqkv = np.stack((dq, dk, dv), axis=1)  # (B,3,H,T,E/H)
    return dqkv.transpose(0, 3, 1, 2, 4).reshape(qkv.shape)


def _heads(qkv: np.ndarray, H: int) -> np.ndarray:
    """qkv (B,T,3,E)  ->  q, k, v (3,B,H,T,E/H)"""
    B, T, _, E = qkv.shape
    return qkv.reshape(B, T, 3, H, E // H).transpose(2, 0, 3, 1, 4)


def _side_by_side(y: np.ndarray) -> np.ndarray:
    """The heads of a token, next to each other        y (B,H,T,E/H)  ->  (B,T,E)"""
    return y.swapaxes(1, 2).reshape(len(y), y.shape[2], -1)  # by way of (B,T,H,E/H)
