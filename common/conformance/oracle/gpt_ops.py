"""The operations of the GPT's oracle, each from its formula alone, forward and backward by hand.

They import numpy and nothing of this package. complex128 passes through untouched (maxima and signs are taken of real
parts), so that the complex step can differentiate each forward. nh heads of hs = E / nh.
"""

import numpy as np

Array = np.ndarray

GELU_SCALE, GELU_CUBE = np.sqrt(2 / np.pi), 0.044715  # the tanh approximation's (Hendrycks and Gimpel 2016)


def attention_forward(qkv: Array, n_head: int) -> tuple[Array, tuple[Array, ...]]:
    """y_t = sum over s <= t of a_ts v_s, a_t = softmax of q_t . k_s / sqrt(hs); qkv (B,T,3E) -> y (B,T,E)."""
    B, T, E = *qkv.shape[:2], qkv.shape[2] // 3
    q, k, v = (qkv[..., i * E : (i + 1) * E].reshape(B, T, n_head, E // n_head) for i in range(3))  # (B,T,nh,hs)
    scores = np.einsum("bthi,bshi->bhts", q, k) / np.sqrt(E // n_head)
    e = np.where(np.arange(T)[:, None] >= np.arange(T), np.exp(scores - scores.real.max(axis=3, keepdims=True)), 0)
    a = e / e.sum(axis=3, keepdims=True)
    return np.einsum("bhts,bshi->bthi", a, v).reshape(B, T, E), (q, k, v, a)


def attention_backward(dy: Array, saved: tuple[Array, ...]) -> Array:
    """da = dy v^T, dscores = a (da - sum_s a da), dq = dscores k / sqrt(hs), dk likewise; dy (B,T,E) -> dqkv."""
    q, k, v, a = saved
    dy = dy.reshape(q.shape)
    dv = np.einsum("bhts,bthi->bshi", a, dy)
    da = np.einsum("bthi,bshi->bhts", dy, v)
    dscores = a * (da - (a * da).sum(axis=3, keepdims=True)) / np.sqrt(q.shape[3])
    dq, dk = np.einsum("bhts,bshi->bthi", dscores, k), np.einsum("bhts,bthi->bshi", dscores, q)
    return np.concatenate([g.reshape(*g.shape[:2], -1) for g in (dq, dk, dv)], axis=2)


def layer_norm_forward(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> tuple[Array, tuple[Array, Array]]:
    """y = xhat weight + bias, xhat = (x - mean) rstd, over the last axis, biased variance (Ba et al. 2016)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)
    return centred * rstd * weight + bias, (centred * rstd, rstd)


def layer_norm_backward(dy: Array, saved: tuple[Array, Array], weight: Array) -> tuple[Array, Array, Array]:
    """dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dy weight; dweight = sum dy xhat, dbias = sum dy."""
    xhat, rstd = saved
    g = dy * weight
    dx = rstd * (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True))
    return dx, _rows(dy * xhat).sum(axis=0), _rows(dy).sum(axis=0)


def linear_forward(x: Array, w: Array, b: Array | None) -> Array:
    """y = x w^T + b; x (B,T,N), w (M,N), b (M,) -> y (B,T,M)."""
    return np.einsum("btn,mn->btm", x, w) + (0 if b is None else b)


def linear_backward(dy: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    """dx = dy w, dw = dy^T x, db = sum of dy; dy (B,T,M) -> dx (B,T,N), dw (M,N), db (M,)."""
    return np.einsum("btm,mn->btn", dy, w), np.einsum("btm,btn->mn", dy, x), _rows(dy).sum(axis=0)


def relu_forward(x: Array) -> Array:
    """y = x where x > 0, else 0."""
    return np.where(x.real > 0, x, 0)


def relu_backward(dy: Array, x: Array) -> Array:
    """dx = dy where x > 0, else 0."""
    return np.where(x.real > 0, dy, 0)


def gelu_forward(x: Array) -> Array:
    """y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))."""
    return x / 2 * (1 + np.tanh(GELU_SCALE * (x + GELU_CUBE * x**3)))


def gelu_backward(dy: Array, x: Array) -> Array:
    """dx = dy ((1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 0.044715 x^2)), t the forward's tanh."""
    t = np.tanh(GELU_SCALE * (x + GELU_CUBE * x**3))
    return dy * ((1 + t) / 2 + x / 2 * (1 - t) * (1 + t) * GELU_SCALE * (1 + 3 * GELU_CUBE * x**2))


def cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """loss = mean of -log softmax(logits)[target], dlogits = (softmax - onehot)/(B T); logits (B,T,V)."""
    z = logits - logits.real.max(axis=-1, keepdims=True)
    total = np.exp(z).sum(axis=-1, keepdims=True)
    onehot = np.equal.outer(targets, np.arange(logits.shape[-1]))
    loss = -(onehot * (z - np.log(total))).sum() / targets.size
    return loss, (np.exp(z) / total - onehot) / targets.size


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])
