"""How far a correct embedding, linear, tanh or cross-entropy can be off (T1 without the oracle's share).

Each function takes the arithmetic, the op's own arguments in float64, and the error bounds of the arguments that were
themselves computed; it returns an elementwise bound for each output. Sums may run in any order, with or without FMA.
"""

import numpy as np

from ..oracle import mlp as oracle
from .rounding import Arithmetic

Array = np.ndarray
Error = Array | float

TANH_CURVATURE = 2 / (3 * np.sqrt(3))  # half the maximum of |tanh''|: the remainder of Taylor's first order


def embedding_forward(a: Arithmetic, wte: Array, ids: Array) -> tuple[Array]:
    """A lookup rounds nothing: emb (B,T,E) is exact."""
    return (np.zeros((*ids.shape, wte.shape[1])),)


def embedding_backward(a: Arithmetic, demb: Array, ids: Array, V: int, demb_error: Error = 0.0) -> tuple[Array]:
    """A token that occurs n times is a sum of n terms: n - 1 roundings. -> dwte (V,E)."""
    demb_error = np.broadcast_to(demb_error, demb.shape)
    additions = np.bincount(ids.ravel(), minlength=V)[:, None] - 1
    size = oracle.embedding_backward(np.abs(demb) + demb_error, ids, V)
    return (oracle.embedding_backward(demb_error, ids, V) + a.gamma(additions) * size,)


def linear_forward(a: Arithmetic, x: Array, w: Array, b: Array | None = None, x_error: Error = 0.0) -> tuple[Array]:
    """dx |w| + gamma(N+1) ((|x| + dx) |w| + |b|), gamma(N) without a bias. -> y (...,M)."""
    x_error = np.broadcast_to(x_error, x.shape)
    terms = w.shape[1] + (b is not None)
    size = (np.abs(x) + x_error) @ np.abs(w).T
    if b is not None:
        size = size + np.abs(b)
    return (x_error @ np.abs(w).T + a.gamma(terms) * size + terms * a.tiny,)


def linear_backward(
    a: Arithmetic, dy: Array, x: Array, w: Array, dy_error: Error = 0.0, x_error: Error = 0.0
) -> tuple[Array, Array, Array]:
    """Three sums: M terms in dx, one a row in dw and db, and what the errors of dy and x cause. -> dx, dw, db."""
    (M, N), shape = w.shape, x.shape
    dy_error = np.broadcast_to(dy_error, dy.shape).reshape(-1, M)
    x_error = np.broadcast_to(x_error, x.shape).reshape(-1, N)
    dy, x, w = np.abs(dy).reshape(-1, M), np.abs(x).reshape(-1, N), np.abs(w)
    rows, size, x_size = len(dy), dy + dy_error, x + x_error
    dx = dy_error @ w + a.gamma(M) * (size @ w) + M * a.tiny
    dw = dy_error.T @ x_size + dy.T @ x_error + a.gamma(rows) * (size.T @ x_size) + rows * a.tiny
    db = dy_error.sum(axis=0) + a.gamma(rows - 1) * size.sum(axis=0)
    return dx.reshape(shape), dw, db


def tanh_forward(a: Arithmetic, x: Array, x_error: Error = 0.0) -> tuple[Array]:
    """(1 - y^2) dx + 0.385 dx^2 (never more than dx: the slope is at most 1) + 2 t u |y|."""
    y = np.abs(np.tanh(x))
    moved = np.minimum(x_error, (1 - y) * (1 + y) * x_error + TANH_CURVATURE * np.square(x_error))
    moved = np.minimum(moved, 1 + y)  # whatever x is, tanh is between -1 and 1
    return (moved + a.function * np.minimum(y + moved, 1.0) + a.tiny,)


def tanh_backward(a: Arithmetic, dy: Array, y: Array, dy_error: Error = 0.0, y_error: Error = 0.0) -> tuple[Array]:
    """Covers dy (1 - y y), dy - dy y y and dy (1 - y)(1 + y); y's error moves the slope by 2 |y| dy + dy^2."""
    y, dy = np.abs(y), np.abs(dy)
    slope = (1 - y) * (1 + y)
    moved = 2 * y * y_error + np.square(y_error)
    slope_error = moved + a.gamma(2) * np.square(y + y_error) + a.gamma(3) * (slope + moved) + a.tiny
    largest = slope + slope_error
    return (dy_error * largest + dy * slope_error + a.u * (dy + dy_error) * largest + a.tiny,)


def cross_entropy_forward(
    a: Arithmetic, logits: Array, targets: Array, logits_error: Error = 0.0
) -> tuple[Array, Array]:
    """The bounds of loss (), probs (B,V), both from one bound on the error of log probs.

    Covers exp(s)/sum, exp(s - log sum) and exp(z - (max + log sum)), s = z - max, and the loss from any of the three.
    """
    B, V = logits.shape
    probs, log_probs, error = log_softmax(a, logits, np.broadcast_to(logits_error, logits.shape))
    row = np.take_along_axis(error, targets[:, None], axis=1)
    size = np.abs(np.take_along_axis(log_probs, targets[:, None], axis=1)) + row
    row = row + a.function * size  # the loss as -log of a rounded probability costs one more log
    loss = row.mean() + a.gamma(B + 1) * (size + row).mean()
    return loss, probs * np.expm1(error) + V * a.tiny


def cross_entropy_backward(a: Arithmetic, probs: Array, targets: Array, probs_error: Error = 0.0) -> tuple[Array]:
    """(dp + gamma(3) (p + dp + onehot)) / B: covers (p - onehot)/B and p/B - onehot/B. -> dlogits (B,V)."""
    B, V = probs.shape
    size = probs + probs_error + np.equal.outer(targets, np.arange(V))
    return ((probs_error + a.gamma(3) * size) / B + a.tiny,)


def log_softmax(a: Arithmetic, logits: Array, error: Array) -> tuple[Array, Array, Array]:
    """probs, log probs and the error of the latter, all (B,V).

    Logits that move by at most d_k move log p_j by at most log(p_j + sum over k != j of p_k exp(d_j + d_k)); then each
    step of the computation adds its rounding: z - max, exp, their sum, its log, the difference.
    """
    largest = logits.max(axis=1, keepdims=True)
    exps = np.exp(logits - largest)
    total = exps.sum(axis=1, keepdims=True)
    probs, log_total = exps / total, np.log(total)
    log_probs = logits - largest - log_total
    widest = error.max(axis=1, keepdims=True)

    grown = probs * np.expm1(error)
    others = np.maximum(grown.sum(axis=1, keepdims=True) - grown, 0)
    moved = np.log1p(np.exp(error) * others + np.expm1(error) * (1 - probs))

    shift = a.u * (largest - logits + error + widest)  # of z - max
    one_exp = np.expm1(shift) + a.function * np.exp(shift)
    in_sum = (probs * np.exp(moved) * one_exp).sum(axis=1, keepdims=True)
    in_sum = in_sum + a.gamma(logits.shape[1] - 1) * (1 + in_sum)
    in_log = -np.log1p(-in_sum) + a.function * np.abs(log_total) + a.u * np.abs(largest + log_total)
    rounded = shift + in_log + a.u * np.abs(log_probs) + a.function + a.gamma(2)
    second_order = 2 * a.function * (2 * widest + rounded)  # the magnitudes above have moved a little themselves
    return probs, log_probs, moved + rounded + second_order
