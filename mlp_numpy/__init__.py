"""nnz in numpy: what the Array adds. Forward and backward are still written by hand, but no loop over elements is."""

from .gpt.gpt import GPT
from .layers import (
    GELU,
    BatchNorm1d,
    CausalSelfAttention,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    Linear,
    ReLU,
    Residual,
    RMSNorm,
    Sequential,
    Tanh,
    cross_entropy,
)
from .mlp import MLP
from .optimizers import SGD, AdamW, clip_grad_norm
from .runtime import CHECKED_OPS as ops
from .runtime import block_sizes, devices, set_threads, strict_tally

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
    "block_sizes",
    "clip_grad_norm",
    "cross_entropy",
    "devices",
    "ops",
    "set_threads",
    "strict_tally",
]
