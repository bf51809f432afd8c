"""How far one correct optimizer step can be from the exact result, given the error of its state (T1; see ops.py).

The constants (1 - beta, 1 - beta^t, lr ...) must be computed in double and rounded once to the dtype, as torch does and
the specification says: 1 - float32(0.999) alone is 200 u off, and exceeds these bounds.
"""

import numpy as np

from .ops import Array, Error
from .rounding import SQRT_ULP, Arithmetic, gamma, unit_roundoff


def sgd_step(
    a: Arithmetic, p: Array, g: Array, lr: float, weight_decay: float = 0.0, p_error: Error = 0.0, g_error: Error = 0.0
) -> tuple[Array]:
    """Covers p - lr (g + wd p) and, where there is decay, p (1 - lr wd) - lr g."""
    p_size, g_size, decay = np.abs(p) + p_error, np.abs(g) + g_error, lr * weight_decay
    moved = (1 + decay) * p_error + lr * g_error  # |1 - lr wd| <= 1 + lr wd
    on_p = a.gamma(3 if weight_decay else 1) * p_size + a.gamma(6) * decay * p_size
    return (moved + on_p + a.gamma(4) * lr * g_size + 4 * a.tiny,)


def adamw_step(
    a: Arithmetic,
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    p_error: Error = 0.0,
    g_error: Error = 0.0,
    m_error: Error = 0.0,
    v_error: Error = 0.0,
) -> tuple[Array, Array, Array]:
    """The bounds of p, m, v after the step; p, g, m, v are the oracle's values before it."""
    m_error = _moment(a, np.abs(m), m_error, np.abs(g), g_error, beta1)
    v_error = _moment(a, v, v_error, np.square(g), 2 * np.abs(g) * g_error + np.square(g_error), beta2)
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * np.square(g)
    scale1, scale1_error = _correction(a, beta1, t)
    denominator, shift, smallest = _denominator(a, v, v_error, _correction(a, beta2, t), eps)
    step, p_size, decay = lr / scale1, np.abs(p) + p_error, lr * weight_decay
    moved = step * (m_error + np.abs(m) * shift / denominator) / smallest
    rounded = (a.gamma(6) + scale1_error) * (step * np.abs(m) / denominator + moved)
    update_error = moved + rounded + 6 * a.tiny * (1 + step / smallest)
    on_p = a.gamma(3) * p_size + a.gamma(4) * decay * p_size
    return (1 + decay) * p_error + on_p + update_error, m_error, v_error


def _moment(a: Arithmetic, old: Array, old_error: Error, new: Array, new_error: Error, beta: float) -> Array:
    """Covers beta old + (1 - beta) new and old + (1 - beta)(new - old); new is a gradient or its square."""
    moved = beta * old_error + (1 - beta) * new_error
    return moved + a.gamma(4) * (old + old_error + (1 - beta) * (new + new_error)) + 4 * a.tiny


def _correction(a: Arithmetic, beta: float, t: int) -> tuple[float, float]:
    """1 - beta^t and its relative error: beta^t in double by pow or t products, a cancellation, one rounding."""
    scale = 1 - beta**t
    return scale, gamma(t + 1, unit_roundoff(np.float64)) * beta**t / scale + a.gamma(2)


def _denominator(
    a: Arithmetic, v: Array, v_error: Array, correction: tuple[float, float], eps: float
) -> tuple[Array, Array, Array]:
    """sqrt(vhat) + eps, its largest error, and its smallest possible value (never below eps)."""
    scale, scale_error = correction
    root, rise, fall = np.sqrt(v / scale), v_error / scale, np.minimum(v, v_error) / scale
    up = rise / (np.sqrt((v + v_error) / scale) + root)
    down = np.divide(fall, root + np.sqrt(v / scale - fall), out=np.zeros_like(root), where=fall > 0)
    moved = np.maximum(up, down)
    shift = moved + (a.gamma(2 * SQRT_ULP + 3) + scale_error) * (root + moved) + a.gamma(2) * (root + eps)
    return root + eps, shift, np.maximum(root + eps - shift, eps * (1 - a.gamma(2)))
