"""Each op once more, plainly in numpy and by torch's own function, to test the bounds; and a few broken ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

Array = np.ndarray
Op = Callable[..., tuple[Any, ...]]


def rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def embedding_backward(demb: Array, ids: Array, V: int) -> tuple[Array]:
    dwte = np.zeros((V, demb.shape[-1]), demb.dtype)
    np.add.at(dwte, ids, demb)
    return (dwte,)


def cross_entropy_forward(logits: Array, targets: Array) -> tuple[Array, Array]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    sums = exps.sum(axis=1, keepdims=True)
    losses = (np.log(sums) - shifted)[np.arange(len(targets)), targets]
    return losses.mean(dtype=logits.dtype), exps / sums


def cross_entropy_backward(probs: Array, targets: Array) -> tuple[Array]:
    return ((probs - np.eye(probs.shape[1], dtype=probs.dtype)[targets]) / probs.dtype.type(len(probs)),)


def batch_norm_forward(
    x: Array,
    weight: Array,
    bias: Array,
    running_mean: Array,
    running_var: Array,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, ...]:
    n, mean, var, new = len(rows(x)), running_mean, running_var, (running_mean, running_var)
    if training:
        mean, var = rows(x).mean(axis=0), rows(x).var(axis=0)
        new = (
            (1 - momentum) * running_mean + momentum * mean,
            (1 - momentum) * running_var + momentum * (var * (n / (n - 1))),
        )
    rstd = 1 / np.sqrt(var + eps)
    return (x - mean) * rstd * weight + bias, mean, rstd, *new


def batch_norm_backward(dy: Array, x: Array, mean: Array, rstd: Array, weight: Array) -> tuple[Array, Array, Array]:
    n, xhat = len(rows(x)), (x - mean) * rstd
    dbias, dweight = rows(dy).sum(axis=0), rows(dy * xhat).sum(axis=0)
    return weight * rstd * (dy - dbias / n - xhat * (dweight / n)), dweight, dbias


def adamw_numpy(
    p: Array, m: Array, v: Array, g: Array, t: int, lr: float, eps: float, weight_decay: float, **betas: float
) -> tuple[Array, Array, Array]:
    beta1, beta2 = betas["beta1"], betas["beta2"]
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    denominator = np.sqrt(v / (1 - beta2**t)) + eps
    return p * (1 - lr * weight_decay) - lr * (m / (1 - beta1**t)) / denominator, m, v


def adamw_torch(
    p: Array, m: Array, v: Array, g: Array, t: int, beta1: float, beta2: float, **settings: float
) -> tuple[Array, Array, Array]:
    parameter, old_m, old_v, gradient = (torch.from_numpy(a.copy()) for a in (p, m, v, g))
    optimizer = torch.optim.AdamW([parameter], betas=(beta1, beta2), **settings)
    parameter.grad = gradient
    optimizer.state[parameter] = {"step": torch.tensor(t - 1.0), "exp_avg": old_m, "exp_avg_sq": old_v}
    optimizer.step()
    return parameter.numpy(), old_m.numpy(), old_v.numpy()


def torch_batch_norm(
    x: Array, weight: Array, bias: Array, running_mean: Array, running_var: Array, training: bool, **settings: float
) -> tuple[Array | None, ...]:
    mean, var = torch.from_numpy(running_mean.copy()), torch.from_numpy(running_var.copy())
    channels = torch.from_numpy(x).movedim(-1, 1)
    affine = torch.from_numpy(weight), torch.from_numpy(bias)
    y = torch.nn.functional.batch_norm(channels, mean, var, *affine, training, **settings)
    return y.movedim(1, -1).numpy(), None, None, mean.numpy(), var.numpy()


def torch_cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    z, y = torch.from_numpy(logits), torch.from_numpy(targets)
    return torch.nn.functional.cross_entropy(z, y).numpy(), z.softmax(1).numpy()


NUMPY: dict[str, Op] = {
    "embedding_forward": lambda wte, ids: (wte[ids],),
    "embedding_backward": embedding_backward,
    "linear_forward": lambda x, w, b: (x @ w.T if b is None else x @ w.T + b,),
    "linear_backward": lambda dy, x, w: (dy @ w, rows(dy).T @ rows(x), rows(dy).sum(axis=0)),
    "tanh_forward": lambda x: (np.tanh(x),),
    "tanh_backward": lambda dy, y: (dy * (1 - y * y),),
    "cross_entropy_forward": cross_entropy_forward,
    "cross_entropy_backward": cross_entropy_backward,
    "batch_norm_forward": batch_norm_forward,
    "batch_norm_backward": batch_norm_backward,
    "sgd_step": lambda p, g, lr, weight_decay: (p - lr * (g + weight_decay * p),),
    "adamw_step": adamw_numpy,
}
TORCH: dict[str, Op] = {
    "tanh_forward": lambda x: (torch.from_numpy(x).tanh().numpy(),),
    "cross_entropy_forward": torch_cross_entropy,
    "batch_norm_forward": torch_batch_norm,
    "adamw_step": adamw_torch,
}


def unbiased_normalises(x: Array, **rest: Any) -> tuple:
    y, mean, rstd, *running = batch_norm_forward(x, **rest)
    wrong = np.sqrt(1 - 1 / x.dtype.type(len(rows(x)))) if rest["training"] else 1
    return (y - rest["bias"]) * wrong + rest["bias"], mean, rstd, *running


BROKEN: dict[str, tuple[str, Op]] = {
    "no mean over the batch": (
        "cross_entropy_backward",
        lambda probs, targets: (cross_entropy_backward(probs, targets)[0] * probs.dtype.type(len(probs)),),
    ),
    "batch norm by the unbiased variance": ("batch_norm_forward", unbiased_normalises),
    "batch norm without the mean of dy": (
        "batch_norm_backward",
        lambda dy, **rest: (
            batch_norm_backward(dy, **rest)[0] + rest["weight"] * rest["rstd"] * rows(dy).mean(axis=0),
            *batch_norm_backward(dy, **rest)[1:],
        ),
    ),
    "no bias": ("linear_forward", lambda x, w, b: (x @ w.T,)),
    "SGD without decay": ("sgd_step", lambda p, g, lr, weight_decay: (p - lr * g,)),
    "AdamW with 1 - float32(beta2)": (
        "adamw_step",
        lambda p, m, v, g, t, beta2, **s: adamw_numpy(p, m, v, g, t, beta2=float(np.float32(beta2)), **s),
    ),
}
