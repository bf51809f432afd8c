"""How far a correct batch norm can be from the exact result (T1 without the oracle's share); see ops.py.

Correct means two passes: E[x^2] - E[x]^2 cancels, and exceeds these bounds.
"""

import numpy as np

from .ops import Array, Error
from .rounding import SQRT_ULP, Arithmetic


def batch_norm_forward(
    a: Arithmetic,
    x: Array,
    weight: Array,
    bias: Array,
    running_mean: Array,
    running_var: Array,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
    x_error: Error = 0.0,
) -> tuple[Array, Array, Array, Array, Array]:
    """The bounds of y (...,C), mean, rstd, new_running_mean, new_running_var (C,); also of the form x alpha + beta."""
    shape, C = x.shape, x.shape[-1]
    x_error = np.broadcast_to(x_error, shape).reshape(-1, C)
    x, rows = x.reshape(-1, C), x.size // C
    mean, var, mean_error, var_error = running_mean, running_var, np.zeros(C), np.zeros(C)
    new_mean_error, new_var_error = np.zeros(C), np.zeros(C)
    centred_error = x_error + a.u * (np.abs(x - mean) + x_error)
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        mean_error, centred_error, var_error = _statistics(a, x, x_error)
        unbiased = rows / (rows - 1)
        unbiased_error = unbiased * (var_error + a.gamma(3) * (var + var_error))
        new_mean_error = _running(a, running_mean, mean, mean_error, momentum)
        new_var_error = _running(a, running_var, unbiased * var, unbiased_error, momentum)
    rstd, relative = rstd_of(a, var, var_error, eps)
    scale = np.abs(weight) * rstd
    moved = scale * (centred_error * (1 + relative) + np.abs(x - mean) * relative)
    size = scale * (1 + relative) * (np.abs(x) + x_error + np.abs(mean) + mean_error) + np.abs(bias)
    y = moved + a.gamma(4) * size + 4 * a.tiny
    return y.reshape(shape), mean_error, rstd * relative, new_mean_error, new_var_error


def batch_norm_backward(
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
    """The bounds of dx (...,C), dweight, dbias (C,); the longest chain of roundings to a dx, sums aside, is eight."""
    shape, C = x.shape, x.shape[-1]
    dy_error, x_error = (np.broadcast_to(e, shape).reshape(-1, C) for e in (dy_error, x_error))
    dy, x, rows = dy.reshape(-1, C), x.reshape(-1, C), x.size // C
    xhat = (x - mean) * rstd
    mean_dy, mean_dy_xhat = np.abs(dy.mean(axis=0)), np.abs((dy * xhat).mean(axis=0))
    dy, xhat, centred, rstd_size = np.abs(dy), np.abs(xhat), np.abs(x - mean), rstd + rstd_error

    centred_error = (x_error + mean_error) * (1 + a.u) + a.u * centred
    xhat_error = centred_error * rstd_size + centred * rstd_error
    dy_size, xhat_size = dy + dy_error, xhat + xhat_error
    dbias = dy_error.sum(axis=0) + a.gamma(rows - 1) * dy_size.sum(axis=0)
    dweight = (dy_error * xhat_size + dy * xhat_error).sum(axis=0)
    dweight = dweight + a.gamma(rows + 1) * (dy_size * xhat_size).sum(axis=0) + rows * a.tiny

    inner_error = dy_error + dbias / rows + xhat_error * (mean_dy_xhat + dweight / rows) + xhat * dweight / rows
    size = dy_size + mean_dy + dbias / rows + xhat_size * (mean_dy_xhat + dweight / rows)
    dx = inner_error * rstd_size + (dy + mean_dy + xhat * mean_dy_xhat) * rstd_error
    dx = np.abs(weight) * (dx + a.gamma(8) * size * rstd_size) + 8 * a.tiny
    return dx.reshape(shape), dweight, dbias


def _statistics(a: Arithmetic, x: Array, x_error: Array) -> tuple[Array, Array, Array]:
    """The errors of mean, x - mean and the biased variance; a shift of all rows enters the variance only squared."""
    rows = len(x)
    centred = np.abs(x - x.mean(axis=0))
    in_mean = a.gamma(rows + 1) * (np.abs(x) + x_error).mean(axis=0) + rows * a.tiny
    moved = x_error + x_error.mean(axis=0)
    own = moved + a.u * (centred + moved + in_mean)
    centred_error = own + in_mean
    square = np.square(centred + centred_error).mean(axis=0)
    var_error = (2 * centred * own + np.square(centred_error)).mean(axis=0) + a.gamma(rows + 2) * square
    return x_error.mean(axis=0) + in_mean, centred_error, var_error + rows * a.tiny


def _running(a: Arithmetic, old: Array, new: Array, new_error: Array, momentum: float) -> Array:
    """Covers (1 - k) old + k new and old + k (new - old), k the momentum, each constant rounded once."""
    return momentum * new_error + a.gamma(4) * (np.abs(old) + momentum * (np.abs(new) + new_error))


def rstd_of(a: Arithmetic, var: Array, var_error: Array, eps: float) -> tuple[Array, Array]:
    """1/sqrt(var + eps) and its relative error: sqrt(v / lowest v) - 1, then a root and a division."""
    v = var + eps
    drop = np.minimum(var_error + a.gamma(2) * v, var + a.gamma(2) * eps)  # a computed variance is never negative
    excess = drop / (v - drop)
    moved = excess / (np.sqrt(1 + excess) + 1)
    return 1 / np.sqrt(v), moved + a.gamma(2 * SQRT_ULP + 1) * (1 + moved)
