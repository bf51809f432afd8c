"""The oracle for one optimizer step, in float64; like oracle.py it imports numpy alone."""

import numpy as np

Array = np.ndarray


def sgd_step(p: Array, g: Array, lr: float, weight_decay: float = 0.0) -> Array:
    """p - lr (g + weight_decay p), as torch.optim.SGD without momentum; any shape -> the same shape."""
    p, g = np.asarray(p, np.float64), np.asarray(g, np.float64)
    return p - lr * (g + weight_decay * p)


def adamw_step(
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
) -> tuple[Array, Array, Array]:
    """The t-th step, t from 1: decoupled decay, bias correction, eps outside the root (Loshchilov & Hutter 2019).

    m = beta1 m + (1-beta1) g, v = beta2 v + (1-beta2) g^2,
    p = p (1 - lr weight_decay) - lr mhat / (sqrt(vhat) + eps), mhat = m/(1-beta1^t), vhat = v/(1-beta2^t) -> p, m, v.
    """
    p, g, m, v = (np.asarray(x, np.float64) for x in (p, g, m, v))
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mhat = m / (1 - beta1**t)
    vhat = v / (1 - beta2**t)
    return p * (1 - lr * weight_decay) - lr * mhat / (np.sqrt(vhat) + eps), m, v
