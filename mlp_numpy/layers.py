"""The layers in numpy: what they compute stands in layers_by_hand, forward and backward, over the ops of here."""

from __future__ import annotations

import numpy as np

from nnz.backend import layers_by_hand as by_hand
from nnz.backend.layers_by_hand import Flatten, Residual, Sequential
from nnz.backend.op_checks import unchecked

from . import ops

__all__ = ["BatchNorm1d", "Embedding", "Flatten", "Linear", "Residual", "Sequential", "Tanh", "cross_entropy"]


class _InNumpy:
    ops_by = unchecked(ops)


class Embedding(_InNumpy, by_hand.Embedding):
    __doc__ = by_hand.Embedding.__doc__


class Linear(_InNumpy, by_hand.Linear):
    __doc__ = by_hand.Linear.__doc__


class BatchNorm1d(_InNumpy, by_hand.BatchNorm1d):
    __doc__ = by_hand.BatchNorm1d.__doc__


class Tanh(_InNumpy, by_hand.Tanh):
    __doc__ = by_hand.Tanh.__doc__


def cross_entropy(logits: np.ndarray, targets: np.ndarray, precision: str = "native") -> float:
    """The mean over B of -log softmax(logits)[b, targets[b]], in nats; logits (B, V), targets (B,) int."""
    return ops.cross_entropy_forward(logits, targets, precision=precision)[0]
