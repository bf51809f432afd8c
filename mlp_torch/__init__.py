"""nnz in PyTorch: what Autograd adds. Only the forward is written; the backward is derived from it."""

from nnz.backend.registry import requires

with requires("torch", __name__):
    import torch as _torch  # noqa: F401

from . import state_dict as state_dict  # for nnz export; no other backend has one
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
from .module import MLPModule
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
    "MLPModule",
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
