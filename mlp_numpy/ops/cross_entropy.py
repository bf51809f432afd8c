"""cross_entropy: how surprised the model is at what came."""

from __future__ import annotations

import numpy as np


def cross_entropy_forward(logits: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]
    logits (B,V)  targets (B,)  ->  loss  probs (B,V)

    The row's maximum is taken off first: it changes nothing but keeps exp from overflowing.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    probs = np.exp(shifted)
    sums = probs.sum(axis=1)
    probs /= sums[:, None]
    loss = (np.log(sums) - shifted[np.arange(len(targets)), targets]).sum() / len(targets)
    return float(loss), probs


def cross_entropy_backward(probs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """dlogits = (probs - onehot(targets)) / B        probs (B,V)  targets (B,)  ->  dlogits (B,V)"""
    dlogits = probs.copy()
    dlogits[np.arange(len(targets)), targets] -= 1
    dlogits /= len(targets)
    return dlogits
