"""The layers in C: layers_by_hand says which op follows which; the arithmetic is all in the .c files of ops."""

from __future__ import annotations

import numpy as np

from nnz.backend import layers_by_hand as by_hand
from nnz.backend.layers_by_hand import Flatten, Residual, Sequential
from nnz.backend.op_checks import unchecked

from . import ops

__all__ = ["BatchNorm1d", "Embedding", "Flatten", "Linear", "Residual", "Sequential", "Tanh", "cross_entropy"]


class _InC:
    ops_by = unchecked(ops)


class Embedding(_InC, by_hand.Embedding):
    __doc__ = by_hand.Embedding.__doc__


class Linear(_InC, by_hand.Linear):
    __doc__ = by_hand.Linear.__doc__


class BatchNorm1d(_InC, by_hand.BatchNorm1d):
    __doc__ = by_hand.BatchNorm1d.__doc__


class Tanh(_InC, by_hand.Tanh):
    __doc__ = by_hand.Tanh.__doc__


def cross_entropy(logits: np.ndarray, targets: np.ndarray, precision: str = "native") -> float:
    """The mean over B of -log softmax(logits)[b, targets[b]], in nats; logits (B, V), targets (B,) int."""
    return ops.cross_entropy_forward(logits, targets, precision=precision)[0]
