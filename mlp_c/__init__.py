"""nnz in C: every single operation is spelled out in the .c files of this folder; Python only hands over the memory."""

from . import ops
from .layers import BatchNorm1d, Embedding, Flatten, Linear, Residual, Sequential, Tanh, cross_entropy
from .mlp import MLP
from .optimizers import SGD, AdamW
from .runtime import devices, set_threads, strict_tally

__all__ = [
    "MLP",
    "SGD",
    "AdamW",
    "BatchNorm1d",
    "Embedding",
    "Flatten",
    "Linear",
    "Residual",
    "Sequential",
    "Tanh",
    "cross_entropy",
    "devices",
    "ops",
    "set_threads",
    "strict_tally",
]
