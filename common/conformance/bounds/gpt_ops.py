"""How far a correct operation of the GPT can be off (T1 without the oracle's share); see ops.py.

docs/numerics.md derives them. They hold for the usual honest variants: a norm in two passes or by Welford's updates, as
(x - mean) rstd or as x a + b; a softmax with its division before or after the product, or online, block by block; a
backward that computes the probs again.
"""

import numpy as np

from ..oracle import gpt_ops as oracle
from .batch_norm import rstd_of
from .ops import Array, Error, log_softmax, tanh_forward
from .rounding import Arithmetic, gamma, unit_roundoff

SLOPE = 1.13  # the largest of |gelu'|, which is at 1.4
CURVATURE = 1.0  # more than the largest of |gelu''|, which is 0.8 at 0


def layer_norm_forward(
    a: Arithmetic, x: Array, weight: Array, bias: Array, eps: float = 1e-5, x_error: Error = 0.0
) -> tuple[Array, Array, Array]:
    """The bounds of y (B,E), mean, rstd (B,)."""
    E, x_error = x.shape[1], np.broadcast_to(x_error, x.shape)
    mean = x.mean(axis=1)
    centred = np.abs(x - mean[:, None])
    var = np.square(centred).mean(axis=1)
    computed = _mean_terms(a, E) * (np.abs(x) + x_error).mean(axis=1)
    mean_error = x_error.mean(axis=1) + computed
    centred_error = x_error + mean_error[:, None]
    centred_error = centred_error + a.u * (centred + centred_error)
    var_error = (2 * centred * centred_error + np.square(centred_error)).mean(axis=1)
    var_error = var_error + 4 * np.sqrt(var) * computed + 4 * np.square(computed)  # of Welford's updates
    var_error = var_error + a.gamma(E + 8) * (var + var_error) + E * a.tiny
    rstd, relative = rstd_of(a, var, var_error, eps)
    scale, relative_y = np.abs(weight) * rstd[:, None], relative[:, None]
    moved = scale * (centred_error * (1 + relative_y) + centred * relative_y)
    size = scale * (1 + relative_y) * (np.abs(x) + x_error + (np.abs(mean) + mean_error)[:, None]) + np.abs(bias)
    return moved + a.gamma(5) * size + 5 * a.tiny, mean_error + a.tiny, rstd * relative


def layer_norm_backward(
    a: Arithmetic,
    dy: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Array,
    dy_error: Error = 0.0,
    x_error: Error = 0.0,
    mean_error: Error = 0.0,
    rstd_error: Error = 0.0,
) -> tuple[Array, Array, Array]:
    """The bounds of dx (B,E), dweight, dbias (E,)."""
    dy_error, x_error = (np.broadcast_to(e, x.shape) for e in (dy_error, x_error))
    mean, rstd, mean_error, rstd_error = (
        np.broadcast_to(e, len(x))[:, None] for e in (mean, rstd, mean_error, rstd_error)
    )
    centred = x - mean
    centred_error = (x_error + mean_error) * (1 + a.u) + a.u * np.abs(centred)
    apart = np.abs(x) + x_error + np.abs(mean) + mean_error  # where x and the mean are taken apart: x a + b
    return _norm_backward(a, (dy, dy_error), (centred, centred_error), apart, (rstd, rstd_error), weight, has_mean=True)


def rms_norm_forward(
    a: Arithmetic, x: Array, weight: Array | None = None, eps: float = 1e-5, x_error: Error = 0.0
) -> tuple[Array, Array]:
    """The bounds of y (B,E), rstd (B,)."""
    E, x_error = x.shape[1], np.broadcast_to(x_error, x.shape)
    size = np.abs(x) + x_error
    square = np.square(x).mean(axis=1)
    error = (2 * np.abs(x) * x_error + np.square(x_error)).mean(axis=1)
    error = error + a.gamma(E + 2) * np.square(size).mean(axis=1) + E * a.tiny
    rstd, relative = rstd_of(a, square, error, eps)
    scale, relative_y = rstd[:, None] * (1 if weight is None else np.abs(weight)), relative[:, None]
    moved = scale * (x_error * (1 + relative_y) + np.abs(x) * relative_y)
    return moved + a.gamma(3) * scale * (1 + relative_y) * size + 3 * a.tiny, rstd * relative


def rms_norm_backward(
    a: Arithmetic,
    dy: Array,
    x: Array,
    rstd: Array,
    weight: Array | None = None,
    dy_error: Error = 0.0,
    x_error: Error = 0.0,
    rstd_error: Error = 0.0,
) -> tuple[Array, Array | None]:
    """The bounds of dx (B,E) and, with a weight, of dweight (E,)."""
    dy_error, x_error = (np.broadcast_to(e, x.shape) for e in (dy_error, x_error))
    rstd, rstd_error = (np.broadcast_to(e, len(x))[:, None] for e in (rstd, rstd_error))
    ones = np.ones(x.shape[1]) if weight is None else weight
    apart = np.abs(x) + x_error
    found = _norm_backward(a, (dy, dy_error), (x, x_error), apart, (rstd, rstd_error), ones, has_mean=False)
    return found[0], None if weight is None else found[1]


def relu_forward(a: Arithmetic, x: Array, x_error: Error = 0.0) -> tuple[Array]:
    """It rounds nothing, and its slope is at most 1."""
    return (np.broadcast_to(x_error, x.shape),)


def relu_backward(a: Arithmetic, dy: Array, y: Array, dy_error: Error = 0.0, y_error: Error = 0.0) -> tuple[Array]:
    """It rounds nothing; where y's error reaches over 0 the whole dy may come or go."""
    unsure = (np.abs(y) <= y_error) & (np.broadcast_to(y_error, y.shape) > 0)
    return (np.where(unsure, np.abs(dy) + dy_error, np.where(y > 0, dy_error, 0.0)),)


def gelu_forward(a: Arithmetic, x: Array, x_error: Error = 0.0) -> tuple[Array]:
    """|x|/2 (dt + (gamma(4) + 2 t u) (1 + t)): also of x / (1 + exp(-2 inner)); dt is the error of tanh(inner)."""
    t, t_error, _ = _inner_tanh(a, x)
    largest = 1 + t + t_error
    return (
        SLOPE * x_error + np.abs(x) / 2 * (t_error + (a.gamma(5) + a.function) * largest) + (2 + np.abs(x)) * a.tiny,
    )


def gelu_backward(a: Arithmetic, dy: Array, x: Array, dy_error: Error = 0.0, x_error: Error = 0.0) -> tuple[Array]:
    """The slope is A + B, A = (1 + t)/2, B = x/2 (1 - t^2) q, q the slope of inner; 1 - t^2 as of tanh_backward."""
    t, t_error, inner_slope = _inner_tanh(a, x)
    t_size = np.abs(t) + t_error
    slope = (1 - np.abs(t)) * (1 + np.abs(t))
    slope_error = 2 * np.abs(t) * t_error + np.square(t_error) + a.gamma(2) * np.square(t_size)
    slope_error = slope_error + a.gamma(3) * (slope + slope_error) + a.tiny
    half = np.abs(x) / 2 * inner_slope
    first, second = (1 + t) / 2, half * slope
    first_error = t_error / 2 + (a.gamma(3) + a.function) * (first + t_error)
    second_error = half * (1 + a.gamma(8)) * slope_error + a.gamma(10) * half * (slope + slope_error)
    error = first_error + second_error + a.gamma(2) * (first + second + first_error + second_error)
    error = error + CURVATURE * x_error + a.tiny
    size = SLOPE + error
    return (np.abs(dy) * error + dy_error * size + a.gamma(1) * (np.abs(dy) + dy_error) * size + a.tiny,)


def attention_forward(
    a: Arithmetic, qkv: Array, mask: Array | None, H: int, qkv_error: Error = 0.0
) -> tuple[Array, Array]:
    """The bounds of y (B,T,E) and of probs (B,H,T,T); of the latter 0 where u > t, as they are exactly 0 there."""
    (q, _, v), (_, _, v_error) = _heads(qkv, H), _heads(np.broadcast_to(qkv_error, qkv.shape), H)
    T, kept = q.shape[2], 1 if mask is None else np.abs(mask)
    probs, probs_error = _probs(a, qkv, H, qkv_error)
    size = (probs + probs_error) * kept
    error = (probs_error * kept) @ np.abs(v) + size @ v_error
    error = error + a.gamma(T + 4) * (size @ (np.abs(v) + v_error)) + T * a.tiny
    return _side_by_side(error), probs_error


def attention_backward(
    a: Arithmetic,
    dy: Array,
    qkv: Array,
    probs: Array,
    mask: Array | None = None,
    dy_error: Error = 0.0,
    qkv_error: Error = 0.0,
    probs_error: Error = 0.0,
) -> tuple[Array]:
    """The bound of dqkv (B,T,3,E); probs may be computed again, and the sum over w be that of dy[t] y[t] over E/H."""
    _, T, _, E = qkv.shape
    H, root = probs.shape[1], np.sqrt(E // probs.shape[1])
    q, k, v = (np.abs(each) for each in _heads(qkv, H))
    q_error, k_error, v_error = _heads(np.broadcast_to(qkv_error, qkv.shape), H)
    kept = 1 if mask is None else np.abs(mask)
    dy_error = _in_heads(np.broadcast_to(dy_error, dy.shape), H)
    exact, dy = _in_heads(dy, H), np.abs(_in_heads(dy, H))
    dprobs = np.abs((exact @ _heads(qkv, H)[2].swapaxes(2, 3)) * (1 if mask is None else mask))
    again = _probs(a, qkv, H, qkv_error)[1]
    probs_error = probs_error + again + a.u * probs + np.where(probs > 0, a.tiny, 0)
    largest, dy_size, v_size = probs + probs_error, dy + dy_error, v + v_error

    dv = (probs * kept).swapaxes(2, 3) @ dy_error + (probs_error * kept).swapaxes(2, 3) @ dy_size
    dv = dv + a.gamma(T + 1) * ((largest * kept).swapaxes(2, 3) @ dy_size) + T * a.tiny

    size = kept * (dy_size @ v_size.swapaxes(2, 3))  # no smaller than |dprobs|, by any way of adding
    dprobs_error = kept * (dy_error @ v_size.swapaxes(2, 3) + dy @ v_error.swapaxes(2, 3))
    dprobs_error = dprobs_error + a.gamma(E // H + 1) * size + E * a.tiny
    mean = (probs * dprobs).sum(axis=3, keepdims=True)  # of sizes, so no smaller than the mean's own
    mean_error = (probs_error * size + probs * dprobs_error).sum(axis=3, keepdims=True)
    mean_error = mean_error + a.gamma(T + E // H + 3) * (largest * size).sum(axis=3, keepdims=True)

    difference, difference_error = dprobs + mean, dprobs_error + mean_error
    dscores = probs * difference / root
    dscores_error = probs_error * (difference + difference_error) + probs * difference_error
    dscores_error = dscores_error + a.gamma(5) * largest * (difference + difference_error)
    dscores_error = dscores_error / root + np.where(probs > 0, a.tiny, 0)
    dscores_size, q_size, k_size = dscores + dscores_error, q + q_error, k + k_error
    dq = dscores_error @ k_size + dscores @ k_error + a.gamma(T + 1) * (dscores_size @ k_size) + T * a.tiny
    across, across_error, across_size = (s.swapaxes(2, 3) for s in (dscores, dscores_error, dscores_size))
    dk = across_error @ q_size + across @ q_error + a.gamma(T + 1) * (across_size @ q_size) + T * a.tiny
    return (np.stack([_side_by_side(each) for each in (dq, dk, dv)], axis=2),)


def dropout_mask(a: Arithmetic, mask: Array, p: float, seed: int, site: int, step: int) -> tuple[Array]:
    """1 - p and 1 / (1 - p) in float64, rounded once; what is 0 is exactly 0."""
    return ((a.u + gamma(3, unit_roundoff(np.float64))) * oracle.dropout_mask(mask, p, seed, site, step),)


def dropout_forward(a: Arithmetic, x: Array, mask: Array, x_error: Error = 0.0) -> tuple[Array]:
    """One product; nothing is left of an x whose mask is 0."""
    kept = np.abs(mask)
    return (np.where(mask == 0, 0.0, kept * x_error + a.u * kept * (np.abs(x) + x_error) + a.tiny),)


def dropout_backward(a: Arithmetic, dy: Array, mask: Array, dy_error: Error = 0.0) -> tuple[Array]:
    """As of the forward."""
    return dropout_forward(a, dy, mask, dy_error)


def square_sum(a: Arithmetic, g: Array) -> tuple[Array]:
    """In float64, whatever the dtype: in float32 a million squares could lose every digit."""
    return (np.asarray(gamma(g.size + 1, unit_roundoff(np.float64)) * np.square(g).sum()),)


def clip_step(a: Arithmetic, g: Array, scale: float) -> tuple[Array]:
    """The scale is rounded, then the product."""
    return (a.gamma(2) * np.abs(g) * scale + a.tiny,)


def _mean_terms(a: Arithmetic, E: int) -> Array:
    """gamma of a sum of E terms and a division; Welford's update rounds each partial mean, and each step to it."""
    return a.gamma(E + 2 * np.log2(E + 1) + 4)


def _norm_backward(
    a: Arithmetic,
    dy: tuple[Array, Array],
    centred: tuple[Array, Array],
    apart: Array,
    rstd: tuple[Array, Array],
    weight: Array,
    has_mean: bool,
) -> tuple[Array, Array, Array]:
    """Of a norm whose xhat is centred rstd, each with its error; `apart` is what the terms of `centred` add up to."""
    (dy, dy_error), (c, c_error), (rstd, rstd_error) = dy, centred, rstd
    (rows, E), w, rstd_size = dy.shape, np.abs(weight), rstd + rstd_error
    xhat = np.abs(c) * rstd
    xhat_error = c_error * rstd_size + np.abs(c) * rstd_error
    xhat_error = xhat_error + a.u * (xhat + xhat_error)
    xhat_size, apart = xhat + xhat_error, (apart + c_error) * rstd_size
    g, g_error = dy * weight, dy_error * w
    g_error = g_error + a.u * (np.abs(g) + g_error) + a.tiny
    g_size = np.abs(g) + g_error
    mean, mean_error = np.zeros((rows, 1)), np.zeros((rows, 1))
    if has_mean:
        mean = np.abs(g.mean(axis=1, keepdims=True))
        mean_error = (g_error + a.gamma(E + 2) * g_size).mean(axis=1, keepdims=True)
    slope = np.abs((g * c * rstd).mean(axis=1, keepdims=True))
    slope_error = (g_error * xhat_size + np.abs(g) * xhat_error).mean(axis=1, keepdims=True)
    slope_error = slope_error + a.gamma(E + 6) * (g_size * apart).mean(axis=1, keepdims=True)
    inner = np.abs(g) + mean + xhat * slope
    error = g_error + mean_error + xhat_error * (slope + slope_error) + xhat * slope_error
    error = error + a.gamma(9) * (g_size + mean + mean_error + apart * (slope + slope_error))
    dx = rstd_size * error + rstd_error * inner + E * a.tiny * (1 + rstd_size)
    dy_size = np.abs(dy) + dy_error
    dweight = (dy_error * xhat_size + np.abs(dy) * xhat_error).sum(axis=0)
    dweight = dweight + a.gamma(rows + 5) * (dy_size * apart).sum(axis=0) + rows * a.tiny
    dbias = dy_error.sum(axis=0) + a.gamma(rows - 1) * dy_size.sum(axis=0)
    return dx, dweight, dbias


def _inner_tanh(a: Arithmetic, x: Array) -> tuple[Array, Array, Array]:
    """tanh of inner = s (x + c x^3), its error, and the slope of inner. x and x^3 have one sign, so nothing cancels."""
    inner = oracle.GELU_SCALE * (x + oracle.GELU_CUBE * x**3)
    (t_error,) = tanh_forward(a, inner, a.gamma(9) * np.abs(inner) + 2 * a.tiny)
    return np.tanh(inner), t_error, oracle.GELU_SCALE * (1 + 3 * oracle.GELU_CUBE * np.square(x))


def _probs(a: Arithmetic, qkv: Array, H: int, qkv_error: Error) -> tuple[Array, Array]:
    """probs (B,H,T,T) and their errors: of each row as of the cross-entropy, over the keys that it sees."""
    (q, k, _), (q_error, k_error, _) = _heads(qkv, H), _heads(np.broadcast_to(qkv_error, qkv.shape), H)
    size, root = q.shape[3], np.sqrt(q.shape[3])
    scores = q @ k.swapaxes(2, 3) / root
    q, k = np.abs(q), np.abs(k).swapaxes(2, 3)
    k_error = k_error.swapaxes(2, 3)
    error = q_error @ (k + k_error) + q @ k_error
    error = (error + a.gamma(size + 3) * ((q + q_error) @ (k + k_error))) / root + size * a.tiny
    probs, probs_error = np.zeros(scores.shape), np.zeros(scores.shape)
    for t in range(q.shape[2]):
        seen = (slice(None), slice(None), t, slice(t + 1))
        rows = [each[seen].reshape(-1, t + 1) for each in (scores, error)]
        found, _, in_log = log_softmax(a, *rows)
        in_log = in_log + (a.function + a.gamma(2)) * np.log2(t + 1)  # a new maximum scales what was added before
        probs[seen] = found.reshape(probs[seen].shape)
        probs_error[seen] = (found * np.expm1(in_log) + (t + 1) * a.tiny).reshape(probs[seen].shape)
    return probs, probs_error


def _heads(qkv: Array, H: int) -> tuple[Array, Array, Array]:
    """q, k, v, each (B,H,T,E/H)."""
    return tuple(_in_heads(qkv[:, :, i], H) for i in range(3))


def _in_heads(x: Array, H: int) -> Array:
    """(B,T,E) -> (B,H,T,E/H)"""
    B, T, E = x.shape
    return x.reshape(B, T, H, E // H).swapaxes(1, 2)


def _side_by_side(x: Array) -> Array:
    """(B,H,T,E/H) -> (B,T,E)"""
    B, _, T, _ = x.shape
    return x.swapaxes(1, 2).reshape(B, T, -1)
