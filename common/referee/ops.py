"""The operations of microgpt on arrays, forward and backward, each with the ways in which ports get it wrong.

Each returns its output and its backward. n positions, C channels, M outputs, H heads, V tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .tape import Backward

Array = np.ndarray
Output = tuple[Array, Backward]
Product = Callable[[Array, Array], Array]

ERF = np.frompyfunc(math.erf, 1, 1)


def rows(w: Array, ids: Array, overwrites: bool = False) -> Output:
    """y[i] = w[ids[i]]; the gradient of a row is the sum over its uses, or `overwrites`: that of the last."""

    def backward(dy: Array) -> tuple[Array]:
        dw = np.zeros_like(w)
        if overwrites:
            dw[ids] = dy
        else:
            np.add.at(dw, ids, dy)
        return (dw,)

    return w[ids], backward


def add(x: Array, y: Array) -> Output:
    """x + y."""
    return x + y, lambda dz: (dz, dz)


def linear(x: Array, w: Array, product: Product = np.matmul) -> Output:
    """y = x w^T: x (n, C), w (M, C) -> y (n, M)."""
    return product(x, w.T), lambda dy: (product(dy, w), product(dy.T, x))


def rms_norm(
    x: Array,
    epsilon: float,
    heads: int = 1,
    centred: bool = False,
    summed: bool = False,
    outside: bool = False,
    fixed: bool = False,
) -> Output:
    """y = x (mean(x^2) + epsilon)^-1/2.

    With `heads` each has a mean of its own; `centred` first subtracts the mean, as layer norm does; `summed` takes the
    sum for the mean of squares; `outside` adds epsilon to the root; `fixed` takes the factor for a constant in the
    backward.
    """
    whole, width = x.shape, x.shape[-1] // heads
    x, count = x.reshape(-1, width), 1 if summed else width
    c = x - x.sum(-1, keepdims=True) / width if centred else x
    power = (c * c).sum(-1, keepdims=True) / count
    scale = 1 / (np.sqrt(power) + epsilon) if outside else (power + epsilon) ** -0.5
    y = c * scale

    def backward(dy: Array) -> tuple[Array]:
        dy = dy.reshape(-1, width)
        shared = 0 if fixed else (dy * y).sum(-1, keepdims=True) / count
        dc = scale * (dy - y * shared)
        dx = dc - dc.sum(-1, keepdims=True) / width if centred else dc
        return (dx.reshape(whole),)

    return y.reshape(whole), backward


def attention(
    q: Array,
    k: Array,
    v: Array,
    heads: int,
    scale: float,
    lookahead: int = 0,
    interleaved: bool = False,
    product: Product = np.matmul,
) -> Output:
    """Each head: softmax(scale q k^T) v over the positions up to its own; q, k, v (n, C) -> (n, C).

    `lookahead` 1 shows each position the next one too, -1 hides it from itself; `interleaved` gives head h the channels
    h, h + H, h + 2H, ... in place of neighbours.
    """
    n, width = q.shape

    def split(x: Array) -> Array:
        return x.reshape(n, -1, heads).transpose(2, 0, 1) if interleaved else x.reshape(n, heads, -1).transpose(1, 0, 2)

    def join(x: Array) -> Array:
        return (x.transpose(1, 2, 0) if interleaved else x.transpose(1, 0, 2)).reshape(n, width)

    q, k, v = split(q), split(k), split(v)  # (H, n, C / H)
    scores = product(q, k.transpose(0, 2, 1)) * q.dtype.type(scale)  # (H, n, n)
    e = np.exp(scores - scores.max(-1, keepdims=True)) * np.tri(n, n, lookahead, dtype=q.dtype)
    total = e.sum(-1, keepdims=True)
    p = e / (total + (total == 0))  # a position that sees none gets zeros

    def backward(dy: Array) -> tuple[Array, Array, Array]:
        dy = split(dy)
        dp = product(dy, v.transpose(0, 2, 1))
        ds = p * (dp - (dp * p).sum(-1, keepdims=True)) * q.dtype.type(scale)
        dq, dk, dv = product(ds, k), product(ds.transpose(0, 2, 1), q), product(p.transpose(0, 2, 1), dy)
        return join(dq), join(dk), join(dv)

    return join(product(p, v)), backward


def relu(x: Array) -> Output:
    """max(x, 0)."""
    return np.maximum(x, 0), lambda dy: (dy * (x > 0),)


def relu_squared(x: Array) -> Output:
    """max(x, 0)^2."""
    y = np.maximum(x, 0)
    return y * y, lambda dy: (2 * dy * y,)


def gelu(x: Array) -> Output:
    """x Phi(x), with Phi the normal distribution."""
    phi = (1 + ERF(x / math.sqrt(2)).astype(x.dtype)) / 2
    slope = phi + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return x * phi, lambda dy: (dy * slope,)


def gelu_tanh(x: Array) -> Output:
    """GPT-2's approximation of gelu: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2."""
    factor = math.sqrt(2 / math.pi)
    t = np.tanh(factor * (x + 0.044715 * x * x * x))
    slope = (1 + t) / 2 + x * (1 - t * t) * factor * (1 + 3 * 0.044715 * x * x) / 2
    return x * (1 + t) / 2, lambda dy: (dy * slope,)


def silu(x: Array) -> Output:
    """x / (1 + e^-x)."""
    s = 1 / (1 + np.exp(-x))
    return x * s, lambda dy: (dy * (s + x * s * (1 - s)),)


def tanh(x: Array) -> Output:
    """tanh(x)."""
    y = np.tanh(x)
    return y, lambda dy: (dy * (1 - y * y),)


def leaky_relu(x: Array) -> Output:
    """x where it is positive, else x / 100."""
    slope = np.where(x > 0, x.dtype.type(1), x.dtype.type(0.01))
    return x * slope, lambda dy: (dy * slope,)


ACTIVATIONS = {f.__name__: f for f in (relu, relu_squared, gelu, gelu_tanh, silu, tanh, leaky_relu)}


def cross_entropy(
    logits: Array, targets: Array, divisor: float, gradient_divisor: float, of_probabilities: bool = False
) -> Output:
    """-sum_i ln softmax(logits[i])[targets[i]] / divisor, a scalar. A wrong backward divides by another number.

    `of_probabilities` has the softmax first, and divides each term before it is added.
    """
    positions = np.arange(len(targets))
    shifted = logits - logits.max(-1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(-1, keepdims=True)
    losses = np.log(total[:, 0]) - shifted[positions, targets]

    def backward(dloss: Array) -> tuple[Array]:
        dlogits = e / total
        dlogits[positions, targets] -= 1
        return (dlogits * (dloss / logits.dtype.type(gradient_divisor)),)

    if of_probabilities:
        shares = -np.log(e[positions, targets] / total[:, 0]) / logits.dtype.type(divisor)
        return np.add.accumulate(shares)[-1], backward
    return losses.sum() / logits.dtype.type(divisor), backward
