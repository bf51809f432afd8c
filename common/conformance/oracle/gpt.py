"""The GPT's oracle: the whole model forward and backward by hand, in float64.

With its operations in gpt_ops.py it imports only numpy. Of torch it uses only the names and the layout (M, N) of the
weights. Each gradient is proved by the complex step.
"""

import numpy as np

from .gpt_ops import (
    attention_backward,
    attention_forward,
    cross_entropy,
    gelu_backward,
    gelu_forward,
    layer_norm_backward,
    layer_norm_forward,
    linear_backward,
    linear_forward,
    relu_backward,
    relu_forward,
)

Array = np.ndarray


def gpt(parameters: dict[str, Array], idx: Array, targets: Array, n_head: int, activation: str) -> dict[str, Array]:
    """logits (B,T,V), loss, and the gradient "d" + name of every parameter; dropout is off (Radford et al. 2019).

    Names and shapes are those of nnz.gpt; a bias that is not among the parameters is none, and without "head.weight"
    the head is tied to wte. idx and targets are (B,T).
    """
    p = {name: _wide(array) for name, array in parameters.items()}
    layers = 1 + max(int(name.split(".")[1]) for name in p if name.startswith("blocks."))
    x, saved = p["wte.weight"][idx] + p["wpe.weight"][: idx.shape[1]], []
    for layer in range(layers):
        x, block = block_forward(x, _below(p, f"blocks.{layer}."), n_head, activation)
        saved.append(block)
    h, norm = layer_norm_forward(x, p["norm.weight"], p["norm.bias"])
    w = p.get("head.weight", p["wte.weight"])
    logits = linear_forward(h, w, p.get("head.bias"))
    loss, dlogits = cross_entropy(logits, targets)

    d = {}
    dh, dw, d["head.bias"] = linear_backward(dlogits, h, w)
    dx, d["norm.weight"], d["norm.bias"] = layer_norm_backward(dh, norm, p["norm.weight"])
    for layer in reversed(range(layers)):
        prefix = f"blocks.{layer}."
        dx, dblock = block_backward(dx, saved[layer], _below(p, prefix), activation)
        d |= {prefix + name: gradient for name, gradient in dblock.items()}
    d["wte.weight"] = np.zeros(p["wte.weight"].shape, dx.dtype)
    np.add.at(d["wte.weight"], idx, dx)  # a token that occurs twice collects twice
    d["wpe.weight"] = np.zeros(p["wpe.weight"].shape, dx.dtype)
    d["wpe.weight"][: idx.shape[1]] = dx.sum(axis=0)
    d["head.weight"] = dw
    if "head.weight" not in p:
        d["wte.weight"] = d["wte.weight"] + dw
    return {"logits": logits, "loss": loss} | {"d" + name: d[name] for name in p}


def block_forward(x: Array, p: dict[str, Array], n_head: int, activation: str) -> tuple[Array, dict]:
    """x = x + attention(norm1(x)), x = x + mlp(norm2(x)); x (B,T,E), and what backward needs."""
    s = {}
    s["h1"], s["norm1"] = layer_norm_forward(x, p["norm1.weight"], p["norm1.bias"])
    qkv = linear_forward(s["h1"], p["attention.qkv.weight"], p.get("attention.qkv.bias"))
    s["y"], s["attention"] = attention_forward(qkv, n_head)
    x = x + linear_forward(s["y"], p["attention.proj.weight"], p.get("attention.proj.bias"))
    s["h2"], s["norm2"] = layer_norm_forward(x, p["norm2.weight"], p["norm2.bias"])
    s["a_pre"] = linear_forward(s["h2"], p["mlp.fc1.weight"], p.get("mlp.fc1.bias"))
    s["a"] = {"relu": relu_forward, "gelu": gelu_forward}[activation](s["a_pre"])
    return x + linear_forward(s["a"], p["mlp.fc2.weight"], p.get("mlp.fc2.bias")), s


def block_backward(dx: Array, s: dict, p: dict[str, Array], activation: str) -> tuple[Array, dict[str, Array]]:
    """dx (B,T,E) of the output -> dx of the input, and the gradients by name."""
    d = {}
    da, d["mlp.fc2.weight"], d["mlp.fc2.bias"] = linear_backward(dx, s["a"], p["mlp.fc2.weight"])
    da_pre = {"relu": relu_backward, "gelu": gelu_backward}[activation](da, s["a_pre"])
    dh2, d["mlp.fc1.weight"], d["mlp.fc1.bias"] = linear_backward(da_pre, s["h2"], p["mlp.fc1.weight"])
    through, d["norm2.weight"], d["norm2.bias"] = layer_norm_backward(dh2, s["norm2"], p["norm2.weight"])
    dx = dx + through
    dy, d["attention.proj.weight"], d["attention.proj.bias"] = linear_backward(dx, s["y"], p["attention.proj.weight"])
    dqkv = attention_backward(dy, s["attention"])
    dh1, d["attention.qkv.weight"], d["attention.qkv.bias"] = linear_backward(dqkv, s["h1"], p["attention.qkv.weight"])
    through, d["norm1.weight"], d["norm1.bias"] = layer_norm_backward(dh1, s["norm1"], p["norm1.weight"])
    return dx + through, d


def _below(p: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in p.items() if name.startswith(prefix)}


def _wide(x: Array) -> Array:
    x = np.asarray(x)
    return x if x.dtype == np.complex128 else x.astype(np.float64)
