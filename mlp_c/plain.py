"""The plain C kernels, those of ops/ that train.c is made of, with the interface of nnz.c: graded as a backend."""

from __future__ import annotations

from types import SimpleNamespace

from nnz.backend import clipping
from nnz.backend.op_checks import checked
from nnz.backend.spec import FUNCTIONS

from .binding import layers, mlp, optimizers
from .binding.layers import Flatten, Residual, Sequential
from .binding.ops import functions
from .binding.runtime import devices, set_threads
from .gpt import gpt

__all__ = [
    "GELU",
    "GPT",
    "MLP",
    "SGD",
    "AdamW",
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
    "clip_grad_norm",
    "cross_entropy",
    "devices",
    "ops",
    "set_threads",
]

KERNELS = {"native": "plain", "strict": "strict"}  # which of the kernels computes in which precision
OPS = functions(KERNELS)
ops = SimpleNamespace(__all__=list(FUNCTIONS), **{name: checked(name, OPS) for name in FUNCTIONS})


class _Plain:
    ops_by_precision = OPS


class Embedding(_Plain, layers.Embedding):
    __doc__ = layers.Embedding.__doc__


class Linear(_Plain, layers.Linear):
    __doc__ = layers.Linear.__doc__


class BatchNorm1d(_Plain, layers.BatchNorm1d):
    __doc__ = layers.BatchNorm1d.__doc__


class Tanh(_Plain, layers.Tanh):
    __doc__ = layers.Tanh.__doc__


class LayerNorm(_Plain, layers.LayerNorm):
    __doc__ = layers.LayerNorm.__doc__


class RMSNorm(_Plain, layers.RMSNorm):
    __doc__ = layers.RMSNorm.__doc__


class ReLU(_Plain, layers.ReLU):
    __doc__ = layers.ReLU.__doc__


class GELU(_Plain, layers.GELU):
    __doc__ = layers.GELU.__doc__


class Dropout(_Plain, layers.Dropout):
    __doc__ = layers.Dropout.__doc__


class CausalSelfAttention(_Plain, layers.CausalSelfAttention):
    __doc__ = layers.CausalSelfAttention.__doc__


def cross_entropy(logits, targets, precision: str = "native") -> float:
    """The mean over B of -log softmax(logits)[b, targets[b]], in nats; logits (B, V), targets (B,) int."""
    return ops.cross_entropy_forward(logits, targets, precision=precision)[0]


class MLP(_Plain, mlp.MLP):
    __doc__ = mlp.MLP.__doc__
    kernels = KERNELS


class GPT(gpt.GPT):
    __doc__ = gpt.GPT.__doc__
    kernels = KERNELS


class SGD(optimizers.SGD):
    __doc__ = optimizers.SGD.__doc__
    kernels = KERNELS


class AdamW(optimizers.AdamW):
    __doc__ = optimizers.AdamW.__doc__
    kernels = KERNELS


def clip_grad_norm(grads, max_norm: float, precision: str = "native") -> float:
    return clipping.clip_grad_norm(OPS, grads, max_norm, precision)


clip_grad_norm.__doc__ = clipping.clip_grad_norm.__doc__
