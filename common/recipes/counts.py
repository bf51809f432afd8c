"""The bigram without training: the table that no step of gradient descent can better is counted."""

from __future__ import annotations

import numpy as np

from ..text.batches import Windows


def bigram_counts(windows: Windows, vocab_size: int) -> np.ndarray:
    """How often token j follows token i: windows of two tokens -> counts (V, V), int64."""
    inputs, targets = windows.batch(0, len(windows))  # (n, 1), (n,)
    pairs = inputs[:, 0].astype(np.int64) * vocab_size + targets
    return np.bincount(pairs, minlength=vocab_size**2).reshape(vocab_size, vocab_size)


def smoothed_logits(counts: np.ndarray, smoothing: float) -> np.ndarray:
    """log((counts + k) / sum over j of (counts + k)), (V, V), in float64: add-k smoothing, by Laplace for k = 1.

    Without smoothing it is the maximum of the likelihood (Shannon 1948), but of infinite loss on a pair not counted.
    """
    raised = counts + smoothing
    return np.log(raised) - np.log(raised.sum(axis=1, keepdims=True))
