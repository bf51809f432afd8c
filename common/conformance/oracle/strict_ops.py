"""The operations in strict float32, with the arithmetic of strict.py. Their order of operations is the specification.

Every + - * / below rounds once, from left to right. A setting becomes a float32 where it meets an array; constants are
computed in float64 first. Like the oracle in float64 it imports nothing of a backend.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from . import strict as exact

Array = np.ndarray
f32 = np.float32


def embedding_forward(wte: Array, ids: Array) -> Array:
    """A look-up; nothing is computed."""
    return wte[ids]


def embedding_backward(demb: Array, ids: Array, V: int) -> Array:
    """One sum for each entry."""
    return exact.scatter_add(demb.reshape(ids.size, -1), ids.ravel(), V)


def linear_forward(x: Array, w: Array, b: Array | None) -> Array:
    """One sum of products, then the bias."""
    y = exact.product(_rows(x), w.T).reshape(*x.shape[:-1], -1)
    return y if b is None else y + b


def linear_backward(dy: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    """One sum for each entry."""
    dx = exact.product(_rows(dy), w).reshape(x.shape)
    return dx, exact.product(_rows(dy).T, _rows(x)), exact.sum(_rows(dy))


def tanh_forward(x: Array) -> Array:
    return exact.tanh(x)


def tanh_backward(dy: Array, y: Array) -> Array:
    """Three roundings."""
    return dy * (f32(1) - y * y)


def cross_entropy_forward(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Per row the logarithm of the sum less the target's logit, the maximum taken off both; their sum over B."""
    B = f32(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    exps = exact.exp(shifted)
    sums = exact.sum(exps, 1)
    losses = exact.log(sums) - shifted[np.arange(len(targets)), targets]
    return exact.sum(losses) / B, exps / sums[:, None]


def cross_entropy_backward(probs: Array, targets: Array) -> Array:
    onehot = np.equal.outer(targets, np.arange(probs.shape[1])).astype(f32)
    return (probs - onehot) / f32(len(probs))


def batch_norm_forward(
    x: Array,
    weight: Array,
    bias: Array,
    running_mean: Array,
    running_var: Array,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, Array, Array, Array, Array]:
    """In training mean and variance are sums, then divided by B; the differences are squared and rounded first."""
    B, mean, var = len(_rows(x)), running_mean, running_var
    if training:
        mean = exact.sum(_rows(x)) / f32(B)
        var = exact.sum(_rows((x - mean) * (x - mean))) / f32(B)
        keep, take = f32(1 - momentum), f32(momentum)
        running_mean = keep * running_mean + take * mean
        running_var = keep * running_var + take * (var * f32(B / (B - 1)))
    rstd = f32(1) / exact.sqrt(var + f32(eps))
    return (x - mean) * rstd * weight + bias, mean, rstd, running_mean, running_var


def batch_norm_backward(dy: Array, x: Array, mean: Array, rstd: Array, weight: Array) -> tuple[Array, Array, Array]:
    B, xhat = f32(len(_rows(x))), (x - mean) * rstd
    dbias, dweight = exact.sum(_rows(dy)), exact.sum(_rows(dy * xhat))
    return (weight * rstd) * ((dy - dbias / B) - xhat * (dweight / B)), dweight, dbias


def sgd_step(p: Array, g: Array, lr: float, weight_decay: float) -> Array:
    return p - f32(lr) * (g + f32(weight_decay) * p)


def adamw_step(
    p: Array,
    m: Array,
    v: Array,
    g: Array,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> tuple[Array, Array, Array]:
    """The constants are computed in float64, then rounded; the root of v is divided before eps is added."""
    keep, step, root = f32(1 - lr * weight_decay), f32(lr / (1 - beta1**t)), f32(sqrt(1 - beta2**t))
    m = f32(beta1) * m + f32(1 - beta1) * g
    v = f32(beta2) * v + f32(1 - beta2) * (g * g)
    return keep * p - step * (m / (exact.sqrt(v) / root + f32(eps))), m, v


def mlp(parameters: dict[str, Array], inputs: Array, targets: Array) -> dict[str, Array]:
    """Every named tensor of one forward and backward pass, as oracle.mlp names them."""
    wte, w1, b1, w2, b2 = (parameters[k] for k in ("wte", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"))
    out = {"emb": embedding_forward(wte, inputs)}
    flat = out["emb"].reshape(len(inputs), -1)  # (B, T*E)
    out["h_pre"] = linear_forward(flat, w1, b1)
    out["h"] = tanh_forward(out["h_pre"])
    out["logits"] = linear_forward(out["h"], w2, b2)
    out["loss"], out["probs"] = cross_entropy_forward(out["logits"], targets)
    out["dlogits"] = cross_entropy_backward(out["probs"], targets)
    out["dh"], out["dfc2.weight"], out["dfc2.bias"] = linear_backward(out["dlogits"], out["h"], w2)
    out["dh_pre"] = tanh_backward(out["dh"], out["h"])
    dflat, out["dfc1.weight"], out["dfc1.bias"] = linear_backward(out["dh_pre"], flat, w1)
    out["demb"] = dflat.reshape(out["emb"].shape)
    out["dwte"] = embedding_backward(out["demb"], inputs, len(wte))
    return out


def _rows(x: Array) -> Array:
    """All axes but the last as one."""
    return x.reshape(-1, x.shape[-1])
