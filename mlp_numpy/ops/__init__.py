"""The operations as pure functions, one file each, as the spec lists them; as named here they check their arguments."""

from nnz.backend.op_checks import checked

from ..arithmetic import ARITHMETIC
from . import adamw, batch_norm, cross_entropy, embedding, linear, sgd, tanh

embedding_forward = checked(embedding.embedding_forward, ARITHMETIC)
embedding_backward = checked(embedding.embedding_backward, ARITHMETIC)
linear_forward = checked(linear.linear_forward, ARITHMETIC)
linear_backward = checked(linear.linear_backward, ARITHMETIC)
tanh_forward = checked(tanh.tanh_forward, ARITHMETIC)
tanh_backward = checked(tanh.tanh_backward, ARITHMETIC)
batch_norm_forward = checked(batch_norm.batch_norm_forward, ARITHMETIC)
batch_norm_backward = checked(batch_norm.batch_norm_backward, ARITHMETIC)
cross_entropy_forward = checked(cross_entropy.cross_entropy_forward, ARITHMETIC)
cross_entropy_backward = checked(cross_entropy.cross_entropy_backward, ARITHMETIC)
sgd_step = checked(sgd.sgd_step, ARITHMETIC)
adamw_step = checked(adamw.adamw_step, ARITHMETIC)

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
