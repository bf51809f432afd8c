"""The operations as pure functions of arrays, one file each; nothing is checked here."""

from .adamw import adamw_step
from .batch_norm import batch_norm_backward, batch_norm_forward
from .cross_entropy import cross_entropy_backward, cross_entropy_forward
from .embedding import embedding_backward, embedding_forward
from .linear import linear_backward, linear_forward
from .sgd import sgd_step
from .tanh import tanh_backward, tanh_forward

__all__ = [
    "adamw_step",
    "batch_norm_backward",
    "batch_norm_forward",
    "cross_entropy_backward",
    "cross_entropy_forward",
    "embedding_backward",
    "embedding_forward",
    "linear_backward",
    "linear_forward",
    "sgd_step",
    "tanh_backward",
    "tanh_forward",
]
