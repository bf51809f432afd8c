"""cross_entropy: how surprised the model is at what came."""

from __future__ import annotations

import numpy as np

from ..arithmetic import Native


def cross_entropy_forward(logits: np.ndarray, targets: np.ndarray, by: type = Native) -> tuple[float, np.ndarray]:
    """probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]
    logits (B,V)  targets (B,)  ->  loss  probs (B,V)

    The row's maximum is taken off first: it changes nothing but keeps exp from overflowing.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    probs = by.exp(shifted)
    sums = by.total(probs, 1)
    probs /= sums[:, None]
    loss = by.total(by.log(sums) - shifted[np.arange(len(targets)), targets], 0) / len(targets)
    return float(loss), probs


def cross_entropy_backward(probs: np.ndarray, targets: np.ndarray, by: type = Native) -> np.ndarray:
    """dlogits = (probs - onehot(targets)) / B        probs (B,V)  targets (B,)  ->  dlogits (B,V)"""
    dlogits = probs.copy()
    dlogits[np.arange(len(targets)), targets] -= 1
    dlogits /= len(targets)
    return dlogits
