"""The oracle: the MLP, its operations and its optimizers, each from its formula alone, in float64.

It imports numpy and nothing of this package, so it cannot share a mistake with a backend. Arrays narrower than float64
are widened first. complex128 passes through unchanged (a maximum is taken of the real parts), so that the complex step
Im f(x + ih)/h can differentiate each forward and prove each backward (Squire & Trapp, SIAM Review 40, 1998).
"""

import numpy as np

Array = np.ndarray

# What each operation returns, in order.
OUTPUTS: dict[str, tuple[str, ...]] = {
    "embedding_forward": ("emb",),
    "embedding_backward": ("dwte",),
    "linear_forward": ("y",),
    "linear_backward": ("dx", "dw", "db"),
    "tanh_forward": ("y",),
    "tanh_backward": ("dx",),
    "cross_entropy_forward": ("loss", "probs"),
    "cross_entropy_backward": ("dlogits",),
    "batch_norm_forward": ("y", "mean", "rstd", "new_running_mean", "new_running_var"),
    "batch_norm_backward": ("dx", "dweight", "dbias"),
    "sgd_step": ("p",),
    "adamw_step": ("p", "m", "v"),
}


def embedding_forward(wte: Array, ids: Array) -> Array:
    """emb = wte[ids]; wte (V,E), ids (B,T) -> emb (B,T,E)."""
    return np.take(_wide(wte), ids, axis=0)


def embedding_backward(demb: Array, ids: Array, V: int) -> Array:
    """dwte_v = sum of demb over the places where ids = v; demb (B,T,E) -> dwte (V,E)."""
    demb = _rows(_wide(demb))
    dwte = np.zeros((V, demb.shape[-1]), demb.dtype)
    by_token = np.argsort(ids, axis=None)
    tokens, first = np.unique(ids.ravel()[by_token], return_index=True)
    dwte[tokens] = np.add.reduceat(demb[by_token], first, axis=0)  # ten times as fast as np.add.at
    return dwte


def linear_forward(x: Array, w: Array, b: Array | None = None) -> Array:
    """y = x w^T + b; x (...,N), w (M,N), b (M,) -> y (...,M)."""
    y = np.einsum("...n,mn->...m", _wide(x), _wide(w))
    return y if b is None else y + _wide(b)


def linear_backward(dy: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    """dx = dy w, dw = dy^T x, db = sum of dy; dy (...,M), x (...,N) -> dx (...,N), dw (M,N), db (M,)."""
    dy, x, w = _wide(dy), _wide(x), _wide(w)
    dx = np.einsum("...m,mn->...n", dy, w)
    dw = np.einsum("rm,rn->mn", _rows(dy), _rows(x))
    db = np.einsum("rm->m", _rows(dy))
    return dx, dw, db


def tanh_forward(x: Array) -> Array:
    """y = tanh(x), elementwise."""
    return np.tanh(_wide(x))


def tanh_backward(dy: Array, y: Array) -> Array:
    """dx = dy (1 - y)(1 + y), elementwise, from the forward's output."""
    y = _wide(y)
    return _wide(dy) * (1 - y) * (1 + y)


def cross_entropy_forward(logits: Array, targets: Array) -> tuple[Array, Array]:
    """probs = softmax(logits), loss = mean of -log probs[target]; logits (B,V), targets (B,) -> (), (B,V)."""
    logits = _wide(logits)
    shifted = logits - logits.real.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1, keepdims=True)
    log_probs = shifted - np.log(sums)
    loss = -np.take_along_axis(log_probs, targets[:, None], axis=1).mean()
    return loss, np.exp(shifted) / sums


def cross_entropy_backward(probs: Array, targets: Array) -> Array:
    """dlogits = (probs - onehot(targets)) / B; probs (B,V) -> dlogits (B,V)."""
    probs = _wide(probs)
    B, V = probs.shape
    return (probs - np.equal.outer(targets, np.arange(V))) / B


def batch_norm_forward(
    x: Array,
    weight: Array,
    bias: Array,
    running_mean: Array,
    running_var: Array,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, Array, Array, Array, Array]:
    """y = (x - mean) rstd weight + bias, rstd = 1/sqrt(var + eps), over all axes but the last (Ioffe & Szegedy 2015).

    x (B,C) or (B,T,C), the rest (C,) -> y, mean, rstd, new_running_mean, new_running_var. As torch: the biased variance
    normalises, the unbiased one runs. Raises ValueError for a single row in training.
    """
    x, old_mean, old_var = _wide(x), _wide(running_mean), _wide(running_var)
    mean, var, new_mean, new_var = old_mean, old_var, old_mean, old_var
    if training:
        rows = x.size // x.shape[-1]
        if rows < 2:
            raise ValueError("batch norm in training needs more than one row")
        mean = np.einsum("rc->c", _rows(x)) / rows
        var = np.einsum("rc,rc->c", _rows(x - mean), _rows(x - mean)) / rows
        new_mean = (1 - momentum) * old_mean + momentum * mean
        new_var = (1 - momentum) * old_var + momentum * var * rows / (rows - 1)
    rstd = 1 / np.sqrt(var + eps)
    y = (x - mean) * rstd * _wide(weight) + _wide(bias)
    return y, mean, rstd, new_mean, new_var


def batch_norm_backward(dy: Array, x: Array, mean: Array, rstd: Array, weight: Array) -> tuple[Array, Array, Array]:
    """dx = weight rstd (dy - mean(dy) - xhat mean(dy xhat)), dweight = sum dy xhat, dbias = sum dy, in training."""
    dy, x, mean, rstd, weight = _wide(dy), _wide(x), _wide(mean), _wide(rstd), _wide(weight)
    rows = x.size // x.shape[-1]
    xhat = (x - mean) * rstd
    dbias = np.einsum("rc->c", _rows(dy))
    dweight = np.einsum("rc,rc->c", _rows(dy), _rows(xhat))
    dx = weight * rstd * (dy - dbias / rows - xhat * dweight / rows)
    return dx, dweight, dbias


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


def mlp(parameters: dict[str, Array], inputs: Array, targets: Array) -> dict[str, Array]:
    """Every named tensor of one forward and backward pass, in the order of computation (Bengio et al., JMLR 3, 2003).

    inputs (B,T), targets (B,); wte (V,E), fc1.weight (H,T*E), fc2.weight (V,H). The gradient of parameter p is "d" + p.
    """
    wte, w1, b1, w2, b2 = (parameters[k] for k in ("wte", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"))
    out = {"emb": embedding_forward(wte, inputs)}
    flat = out["emb"].reshape(len(inputs), -1)  # (B, T*E)
    out["h_pre"] = linear_forward(flat, w1, b1)
    out["h"] = tanh_forward(out["h_pre"])
    out["logits"] = linear_forward(out["h"], w2, b2)
    loss, out["probs"] = cross_entropy_forward(out["logits"], targets)
    out["loss"] = loss
    out["dlogits"] = cross_entropy_backward(out["probs"], targets)
    dh, out["dfc2.weight"], out["dfc2.bias"] = linear_backward(out["dlogits"], out["h"], w2)
    out["dh"] = dh
    out["dh_pre"] = tanh_backward(dh, out["h"])
    dflat, out["dfc1.weight"], out["dfc1.bias"] = linear_backward(out["dh_pre"], flat, w1)
    out["demb"] = dflat.reshape(out["emb"].shape)
    out["dwte"] = embedding_backward(out["demb"], inputs, len(wte))
    return out


def _wide(x: Array) -> Array:
    """Float32 and narrower become float64; float64 and complex128 stay as they are."""
    x = np.asarray(x)
    return x.astype(np.result_type(x.dtype, np.float64)) if x.dtype.kind in "fiub" else x


def _rows(x: Array) -> Array:
    """All axes but the last as one: (...,C) -> (R,C)."""
    return x.reshape(-1, x.shape[-1])
