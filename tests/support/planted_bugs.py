"""The usual mistakes, in numpy: the op, the wrong function, the first tensor that is wrong, the cause to name."""

import numpy as np

from nnz.conformance.oracle import mlp as oracle
from nnz.numpy.ops.linear import linear_backward


def without_bias_gradient(dy, x, w):
    dx, dw, db = linear_backward(dy, x, w)
    return dx, dw, np.zeros_like(db)


def without_the_last_row(dy, x, w):
    return linear_backward(dy, x, w)[0], *linear_backward(dy[:-1], x[:-1], w)[1:]


def overwriting(demb, ids, V):
    dwte = np.zeros((V, demb.shape[-1]), demb.dtype)
    dwte[ids] = demb
    return dwte


def read_in_the_wrong_order(x, w, b):
    return x @ w.reshape(w.shape[::-1]) + b


def without_the_mean(probs, targets):
    return oracle.cross_entropy_backward(probs, targets).astype(probs.dtype) * len(targets)


def without_the_maximum(logits, targets):
    with np.errstate(over="ignore", invalid="ignore"):
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return float(oracle.cross_entropy_forward(logits, targets)[0]), probs


BUGS = {
    "bias gradient": ("linear_backward", without_bias_gradient, "dfc2.bias", "bias gradient is missing"),
    "last row": ("linear_backward", without_the_last_row, "dfc2.weight", "last row is ignored"),
    "scatter": ("embedding_backward", overwriting, "dwte", "accumulation lost"),
    "transposed weight": ("linear_forward", read_in_the_wrong_order, "h_pre", "transposed weight"),
    "mean": ("cross_entropy_backward", without_the_mean, "dlogits", "mean over the batch is missing"),
    "tanh'": ("tanh_backward", lambda dy, y: dy, "dh_pre", "tanh' is skipped"),
    "tanh": ("tanh_forward", lambda x: x, "h", "tanh is skipped"),
    "sign": ("cross_entropy_backward", lambda p, t: -oracle.cross_entropy_backward(p, t), "dlogits", "sign is flipped"),
    "maximum": ("cross_entropy_forward", without_the_maximum, "probs", "maximum is not subtracted"),
    "bias": ("linear_forward", lambda x, w, b: x @ w.T, "h_pre", "bias is not added"),
    "factor": ("tanh_backward", lambda dy, y: dy * (1 - y * y) * 1.25, "dh_pre", "a factor of 1.25"),
}
