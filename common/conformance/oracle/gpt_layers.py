"""The oracle of the GPT's layers: forward and backward in float64, as a chain of the operations of gpt_ops.py.

Each takes the parameters by name, x, and a function through which each result passes; it returns y, and what turns dy
into dx and the gradients, by the parameters' names.
"""

from collections.abc import Callable

import numpy as np

from .gpt_ops import (
    attention_backward,
    attention_forward,
    dropout_mask,
    gelu_backward,
    gelu_forward,
    layer_norm_backward,
    layer_norm_forward,
    relu_backward,
    relu_forward,
    rms_norm_backward,
    rms_norm_forward,
)

Array = np.ndarray
Named = dict[str, Array]
Rounded = Callable[[Array], Array]
Back = Callable[[Array], tuple[Array, Named]]
Layer = Callable[[Named, Array, Rounded], tuple[Array, Back]]


def layer_norm(eps: float) -> Layer:
    def forward(p: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
        rows = x.reshape(-1, x.shape[-1])
        y, mean, rstd = map(rounded, layer_norm_forward(rows, p["weight"], p["bias"], eps))

        def back(dy: Array) -> tuple[Array, Named]:
            given = dy.reshape(rows.shape), rows, mean, rstd, p["weight"]
            dx, dweight, dbias = map(rounded, layer_norm_backward(*given))
            return dx.reshape(x.shape), {"weight": dweight, "bias": dbias}

        return y.reshape(x.shape), back

    return forward


def rms_norm(eps: float) -> Layer:
    def forward(p: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
        rows, weight = x.reshape(-1, x.shape[-1]), p.get("weight")
        y, rstd = map(rounded, rms_norm_forward(rows, weight, eps))

        def back(dy: Array) -> tuple[Array, Named]:
            dx, dweight = rms_norm_backward(dy.reshape(rows.shape), rows, rstd, weight)
            return rounded(dx).reshape(x.shape), {} if weight is None else {"weight": rounded(dweight)}

        return y.reshape(x.shape), back

    return forward


def relu(p: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
    y = relu_forward(x)
    return y, lambda dy: (relu_backward(dy, y), {})


def gelu(p: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
    return rounded(gelu_forward(x)), lambda dy: (rounded(gelu_backward(dy, x)), {})


def dropout(p: float, seed: int, site: int, step: int | None) -> Layer:
    """Of this step; None is evaluation."""

    def forward(_: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
        mask = np.ones(x.shape) if step is None else dropout_mask(np.empty(x.shape), p, seed, site, step)
        return rounded(x * mask), lambda dy: (rounded(dy * mask), {})

    return forward


def linear(p: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
    def back(dy: Array) -> tuple[Array, Named]:
        rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        found = {"weight": rounded(drows.T @ rows), "bias": rounded(drows.sum(axis=0))}
        return rounded(dy @ p["weight"]), {name: found[name] for name in p}

    return rounded(x @ p["weight"].T + p.get("bias", 0)), back


def attention(n_head: int) -> Layer:
    """Self-attention between its two linear layers, "qkv." and "proj."."""

    def forward(p: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
        qkv, qkv_back = linear(_part(p, "qkv."), x, rounded)
        parts = qkv.reshape(*x.shape[:2], 3, x.shape[2])
        heads, probs = map(rounded, attention_forward(parts, None, n_head))
        y, proj_back = linear(_part(p, "proj."), heads, rounded)

        def back(dy: Array) -> tuple[Array, Named]:
            dheads, dproj = proj_back(dy)
            dqkv = rounded(attention_backward(dheads, parts, probs, None))
            dx, d = qkv_back(dqkv.reshape(qkv.shape))
            return dx, {f"qkv.{k}": g for k, g in d.items()} | {f"proj.{k}": g for k, g in dproj.items()}

        return y, back

    return forward


def sequential(*layers: Layer) -> Layer:
    def forward(p: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
        backs = []
        for i, layer in enumerate(layers):
            x, back = layer(_part(p, f"{i}."), x, rounded)
            backs.append(back)

        def all_back(dy: Array) -> tuple[Array, Named]:
            found: Named = {}
            for i, back in reversed(list(enumerate(backs))):
                dy, d = back(dy)
                found |= {f"{i}.{k}": g for k, g in d.items()}
            return dy, found

        return x, all_back

    return forward


def residual(layer: Layer) -> Layer:
    def forward(p: Named, x: Array, rounded: Rounded) -> tuple[Array, Back]:
        y, layer_back = layer(_part(p, "layer."), x, rounded)

        def back(dy: Array) -> tuple[Array, Named]:
            dx, d = layer_back(dy)
            return rounded(dy + dx), {f"layer.{k}": g for k, g in d.items()}

        return rounded(x + y), back

    return forward


def _part(p: Named, prefix: str) -> Named:
    return {name.removeprefix(prefix): array for name, array in p.items() if name.startswith(prefix)}
