"""nnz in C: the loops are in the .c files of this folder; Python only passes the memory."""

import sys

from .binding import ops
from .binding import runtime as runtime  # for nnz bench
from .binding.layers import (
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
from .binding.mlp import MLP
from .binding.optimizers import SGD, AdamW, clip_grad_norm
from .binding.runtime import block_sizes, devices, set_threads, strict_tally
from .gpt.gpt import GPT

sys.modules[f"{__name__}.ops"] = ops  # `import nnz.c.ops` finds these functions, and not the folder of C sources

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
