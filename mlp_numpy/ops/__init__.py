"""The operations as pure functions, one file each, as nnz.spec lists them; as named here they check their arguments."""

from nnz.border import checked

from . import adamw, batch_norm, cross_entropy, embedding, linear, sgd, tanh

embedding_forward = checked(embedding.embedding_forward)
embedding_backward = checked(embedding.embedding_backward)
linear_forward = checked(linear.linear_forward)
linear_backward = checked(linear.linear_backward)
tanh_forward = checked(tanh.tanh_forward)
tanh_backward = checked(tanh.tanh_backward)
batch_norm_forward = checked(batch_norm.batch_norm_forward)
batch_norm_backward = checked(batch_norm.batch_norm_backward)
cross_entropy_forward = checked(cross_entropy.cross_entropy_forward)
cross_entropy_backward = checked(cross_entropy.cross_entropy_backward)
sgd_step = checked(sgd.sgd_step)
adamw_step = checked(adamw.adamw_step)

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
