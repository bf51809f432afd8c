"""The usual mistakes, in numpy: the op, the wrong function, the first tensor that is wrong, the cause to name."""

import numpy as np

from nnz.conformance.oracle import gpt_ops
from nnz.conformance.oracle import mlp as oracle
from nnz.numpy.gpt.ops import attention_backward
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


def seeing_the_next(qkv, mask, n_head):
    H, T = n_head, qkv.shape[1]
    q, k, v = (qkv[:, :, i].reshape(*qkv.shape[:2], H, -1).swapaxes(1, 2) for i in range(3))
    scores = np.where(np.tril(np.ones((T, T)), 1) > 0, q @ k.swapaxes(2, 3) / np.sqrt(q.shape[3]), -np.inf)
    e = np.exp(scores - scores.max(axis=3, keepdims=True))
    probs = e / e.sum(axis=3, keepdims=True)
    return (probs @ v).swapaxes(1, 2).reshape(*qkv.shape[:2], -1), probs


def without_the_root_in_backward(dy, qkv, probs, mask):
    dqkv = attention_backward(dy, qkv, probs, mask)
    dqkv[:, :, :2] *= np.sqrt(qkv.shape[3] // probs.shape[1])
    return dqkv


def without_both_sums(dy, x, rstd, weight):
    return dy * rstd[:, None], None


# an operation or a method of the model, what it becomes, the first tensor that is wrong, its cause and place
GPT_BUGS = {
    "mask": ("attention_forward", seeing_the_next, "blocks.0.probs", "a token sees the next", "planted_bugs.py:"),
    "root": (
        "attention_backward",
        without_the_root_in_backward,
        "dblocks.1.qkv",
        "not divided by the root",
        "planted_",
    ),
    "norm": ("rms_norm_backward", without_both_sums, "dx", "both sums over the row are missing", "planted_bugs.py:"),
    "gelu'": ("gelu_backward", lambda dy, x: dy, "dblocks.1.a_pre", "gelu' is skipped", "planted_bugs.py:"),
    "eps": (
        "rms_norm_forward",
        lambda x, weight, eps: gpt_ops.rms_norm_forward(x, weight, 0.0),
        "blocks.0.h1",
        "eps is missing",
        "planted_bugs.py:",
    ),
    "residual": (
        "_block_backward",
        "dx_mid = dx + self -> dx_mid = self",
        "dblocks.1.x_mid",
        "what goes past the operation is not added to its result",
        "GPT._block_backward, as rms_norm_backward itself is right",
    ),
    "positions": (
        "_forward",
        "past + T, dtype=np.int32) -> past + T, dtype=np.int32)[::-1]",
        "blocks.0.x",
        "none of the usual mistakes",
        "GPT._forward, as embedding_forward itself is right",
    ),
    "second residual": (
        "_block_forward",
        'return x + self._dropped( -> return s["x"] + self._dropped(',
        "blocks.1.x",
        "none of the usual mistakes",
        "GPT._block_forward, as linear_forward itself is right",
    ),
}
