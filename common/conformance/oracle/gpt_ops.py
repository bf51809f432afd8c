"""The operations of the GPT's oracle, each from its formula alone, forward and backward by hand, in float64.

They import numpy and nothing of this package. Arrays narrower than float64 are widened first; complex128 passes through
untouched (maxima and signs are taken of real parts), so that the complex step can differentiate each forward. H heads.
"""

from functools import lru_cache

import numpy as np

Array = np.ndarray

GELU_SCALE, GELU_CUBE = np.sqrt(2 / np.pi), 0.044715  # the tanh approximation's (Hendrycks and Gimpel 2016)

# What each operation returns, in order.
OUTPUTS: dict[str, tuple[str, ...]] = {
    "layer_norm_forward": ("y", "mean", "rstd"),
    "layer_norm_backward": ("dx", "dweight", "dbias"),
    "rms_norm_forward": ("y", "rstd"),
    "rms_norm_backward": ("dx", "dweight"),
    "relu_forward": ("y",),
    "relu_backward": ("dx",),
    "gelu_forward": ("y",),
    "gelu_backward": ("dx",),
    "attention_forward": ("y", "probs"),
    "attention_backward": ("dqkv",),
    "dropout_mask": ("mask",),
    "dropout_forward": ("y",),
    "dropout_backward": ("dx",),
    "square_sum": ("total",),
    "clip_step": ("g",),
}


def layer_norm_forward(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """y = (x - mean) rstd weight + bias, rstd = 1/sqrt(var + eps), biased variance (Ba et al. 2016); x (B,E)."""
    x, E = _wide(x), x.shape[-1]
    mean = np.einsum("be->b", x) / E
    centred = x - mean[:, None]
    rstd = 1 / np.sqrt(np.einsum("be,be->b", centred, centred) / E + eps)
    return centred * rstd[:, None] * _wide(weight) + _wide(bias), mean, rstd


def layer_norm_backward(dy: Array, x: Array, mean: Array, rstd: Array, weight: Array) -> tuple[Array, Array, Array]:
    """dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dy weight; dweight = sum dy xhat, dbias = sum dy."""
    dy, x, mean, rstd = _wide(dy), _wide(x), _wide(mean)[:, None], _wide(rstd)[:, None]
    xhat, g = (x - mean) * rstd, dy * _wide(weight)
    dx = rstd * (g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True))
    return dx, np.einsum("be,be->e", dy, xhat), np.einsum("be->e", dy)


def rms_norm_forward(x: Array, weight: Array | None = None, eps: float = 1e-5) -> tuple[Array, Array]:
    """y = x rstd weight, rstd = 1/sqrt(mean(x^2) + eps) (Zhang and Sennrich 2019); x (B,E) -> (B,E), (B,)."""
    x = _wide(x)
    rstd = 1 / np.sqrt(np.einsum("be,be->b", x, x) / x.shape[-1] + eps)
    return x * rstd[:, None] * (1 if weight is None else _wide(weight)), rstd


def rms_norm_backward(dy: Array, x: Array, rstd: Array, weight: Array | None = None) -> tuple[Array, Array | None]:
    """dx = rstd (g - xhat mean(g xhat)), g = dy weight, xhat = x rstd; dweight = sum dy xhat, if there is a weight."""
    dy, rstd = _wide(dy), _wide(rstd)[:, None]
    xhat, g = _wide(x) * rstd, dy * (1 if weight is None else _wide(weight))
    dx = rstd * (g - xhat * (g * xhat).mean(axis=1, keepdims=True))
    return dx, None if weight is None else np.einsum("be,be->e", dy, xhat)


def relu_forward(x: Array) -> Array:
    """y = x where x > 0, else 0; NaN stays NaN."""
    x = _wide(x)
    return np.where(x.real <= 0, 0, x)


def relu_backward(dy: Array, y: Array) -> Array:
    """dx = dy where y > 0, else 0."""
    return np.where(_wide(y).real > 0, _wide(dy), 0)


def gelu_forward(x: Array) -> Array:
    """y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))."""
    x = _wide(x)
    return x / 2 * (1 + np.tanh(GELU_SCALE * (x + GELU_CUBE * x**3)))


def gelu_backward(dy: Array, x: Array) -> Array:
    """dx = dy ((1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 0.044715 x^2)), t the forward's tanh."""
    dy, x = _wide(dy), _wide(x)
    t = np.tanh(GELU_SCALE * (x + GELU_CUBE * x**3))
    return dy * ((1 + t) / 2 + x / 2 * (1 - t) * (1 + t) * GELU_SCALE * (1 + 3 * GELU_CUBE * x**2))


def attention_forward(qkv: Array, mask: Array | None, H: int) -> tuple[Array, Array]:
    """y_t = sum over u <= t of a_tu mask_tu v_u, a_t = softmax of q_t . k_u / sqrt(E/H); qkv (B,T,3,E) -> y (B,T,E), a.

    As in Vaswani et al. 2017, section 3.2; a (B,H,T,T) is 0 where u > t.
    """
    q, k, v = _heads(_wide(qkv), H)
    T, size = q.shape[1], q.shape[3]
    scores = np.einsum("bthi,buhi->bhtu", q, k) / np.sqrt(size)
    seen = np.arange(T)[:, None] >= np.arange(T)
    largest = np.where(seen, scores.real, -np.inf).max(axis=3, keepdims=True)
    e = np.where(seen, np.exp(np.where(seen, scores - largest, 0)), 0)
    a = e / np.einsum("bhtu->bht", e)[..., None]
    kept = a if mask is None else a * _wide(mask)
    return np.einsum("bhtu,buhi->bthi", kept, v).reshape(qkv.shape[0], T, -1), a


def attention_backward(dy: Array, qkv: Array, probs: Array, mask: Array | None = None) -> Array:
    """da = mask dy v^T, ds = a (da - sum a da) / sqrt(E/H), dq = ds k, dk = ds^T q, dv = (a mask)^T dy; -> dqkv."""
    a, H = _wide(probs), probs.shape[1]
    q, k, v = _heads(_wide(qkv), H)
    factor = 1 if mask is None else _wide(mask)
    dy = _wide(dy).reshape(q.shape)
    dv = np.einsum("bhtu,bthi->buhi", a * factor, dy)
    da = np.einsum("bthi,buhi->bhtu", dy, v) * factor
    ds = a * (da - np.einsum("bhtu,bhtu->bht", a, da)[..., None]) / np.sqrt(q.shape[3])
    dq, dk = np.einsum("bhtu,buhi->bthi", ds, k), np.einsum("bhtu,bthi->buhi", ds, q)
    return np.stack([g.reshape(*g.shape[:2], -1) for g in (dq, dk, dv)], axis=2)


def dropout_mask(mask: Array, p: float, seed: int, site: int, step: int) -> Array:
    """1/(1-p) where the element's uniform is >= p, else 0; 53 bits each, from numpy's Philox (Salmon et al. 2011).

    Key (seed, site), counter (step, block, 0, 0), four elements a block; numpy counts up before it draws.
    """
    words = [_philox(seed, site, step, block) for block in range(-(-mask.size // 4))]
    uniforms = (np.concatenate(words)[: mask.size] >> np.uint64(11)) * 2.0**-53
    return np.where(uniforms < p, 0, 1 / (1 - p)).reshape(mask.shape)


def dropout_forward(x: Array, mask: Array) -> Array:
    """y = x mask."""
    return _wide(x) * _wide(mask)


def dropout_backward(dy: Array, mask: Array) -> Array:
    """dx = dy mask."""
    return _wide(dy) * _wide(mask)


def square_sum(g: Array) -> Array:
    """total = sum of g^2."""
    g = _wide(g).reshape(-1)
    return np.einsum("i,i->", g, g)


def clip_step(g: Array, scale: float) -> Array:
    """g = scale g."""
    return _wide(g) * scale


def _heads(qkv: Array, H: int) -> tuple[Array, Array, Array]:
    """q, k, v, each (B,T,H,E/H)."""
    B, T, _, E = qkv.shape
    return tuple(qkv[:, :, i].reshape(B, T, H, E // H) for i in range(3))


@lru_cache(2**16)  # the same masks are asked for again and again
def _philox(seed: int, site: int, step: int, block: int) -> Array:
    """The four words of a block."""
    before = (step + block * 2**64 - 1) % 2**256
    return np.random.Philox(key=seed + site * 2**64, counter=before).random_raw(4)


def _wide(x: Array) -> Array:
    x = np.asarray(x)
    return x if x.dtype == np.complex128 else x.astype(np.float64)
