"""The layers in numpy: forward and backward of nnz.backend.layers over the operations of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnz.backend import gpt_layers, layers
from nnz.backend.layers import Flatten, Residual, Sequential

from .runtime import CHECKED_OPS, OPS

__all__ = [
    "GELU",
    "BatchNorm1d",
    "CausalSelfAttention",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
    "Linear",
    "RMSNorm",
    "ReLU",
    "Residual",
    "Sequential",
    "Tanh",
    "cross_entropy",
]


class _InNumpy:
    ops_by_precision: Mapping[str, Any] = OPS


class Embedding(_InNumpy, layers.Embedding):
    __doc__ = layers.Embedding.__doc__


class Linear(_InNumpy, layers.Linear):
    __doc__ = layers.Linear.__doc__


class BatchNorm1d(_InNumpy, layers.BatchNorm1d):
    __doc__ = layers.BatchNorm1d.__doc__


class Tanh(_InNumpy, layers.Tanh):
    __doc__ = layers.Tanh.__doc__


class LayerNorm(_InNumpy, gpt_layers.LayerNorm):
    __doc__ = gpt_layers.LayerNorm.__doc__


class RMSNorm(_InNumpy, gpt_layers.RMSNorm):
    __doc__ = gpt_layers.RMSNorm.__doc__


class ReLU(_InNumpy, gpt_layers.ReLU):
    __doc__ = gpt_layers.ReLU.__doc__


class GELU(_InNumpy, gpt_layers.GELU):
    __doc__ = gpt_layers.GELU.__doc__


class Dropout(_InNumpy, gpt_layers.Dropout):
    __doc__ = gpt_layers.Dropout.__doc__


class CausalSelfAttention(_InNumpy, gpt_layers.CausalSelfAttention):
    __doc__ = gpt_layers.CausalSelfAttention.__doc__


def cross_entropy(logits: np.ndarray, targets: np.ndarray, precision: str = "native") -> float:
    """The mean over B of -log softmax(logits)[b, targets[b]], in nats; logits (B, V), targets (B,) int."""
    return CHECKED_OPS.cross_entropy_forward(logits, targets, precision=precision)[0]
