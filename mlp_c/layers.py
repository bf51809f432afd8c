"""The layers: what holds parameters, or what stands between them."""

from __future__ import annotations

import numpy as np

from .ops import cross_entropy_forward


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    """The mean over B of -log softmax(logits)[b, targets[b]], in nats; logits (B, V), targets (B,) int."""
    return cross_entropy_forward(logits, targets)[0]
