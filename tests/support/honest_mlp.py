"""The MLP once more, with its sums handed in, so that honest code can add in any order; `mutant` plants one bug."""

from collections.abc import Callable

import numpy as np
import torch

Array = np.ndarray
Sum = Callable[[Array], Array]  # adds up the last axis


def plain(products: Array) -> Array:
    return products.sum(axis=-1)


def backwards(products: Array) -> Array:
    return products[..., ::-1].sum(axis=-1)


def permuted(products: Array) -> Array:
    order = np.random.default_rng(products.shape[-1]).permutation(products.shape[-1])
    return products[..., order].sum(axis=-1)


def sequential(products: Array) -> Array:
    return np.add.accumulate(products, axis=-1)[..., -1]


ORDERS: dict[str, Sum | None] = {
    "numpy with BLAS": None,
    "numpy reversed": backwards,
    "numpy permuted": permuted,
    "numpy sequential": sequential,
}


def numpy_mlp(
    parameters: dict[str, Array], inputs: Array, targets: Array, order: Sum | None = None, mutant: str = ""
) -> dict[str, Array]:
    """Every tensor of oracle.mlp in the parameters' dtype, each sum in the given order."""
    wte, w1, b1, w2, b2 = parameters.values()
    total, B = order or plain, len(inputs)

    def matmul(a: Array, b: Array) -> Array:
        return a @ b if order is None else total(a[:, None, :] * b.T[None, :, :])

    out = {"emb": wte[inputs]}
    flat = out["emb"].reshape(B, -1)
    out["h_pre"] = matmul(flat, w1.T) + b1
    out["h"] = np.tanh(out["h_pre"])
    if mutant == "tanh off by 2e-6":
        out["h"] = out["h"] * wte.dtype.type(1 - 2e-6)
    if mutant == "bf16 rounding":
        out["h"] = torch.from_numpy(out["h"]).bfloat16().to(torch.from_numpy(out["h"]).dtype).numpy()
    out["logits"] = matmul(out["h"], w2.T) + b2
    shift = 0 if mutant == "no maximum taken off" else out["logits"].max(axis=1, keepdims=True)
    shifted = out["logits"] - shift
    exps = np.exp(shifted)
    sums = total(exps)[:, None]
    out["probs"] = exps / sums
    rows = np.arange(B)
    mean_over = {"sum for mean": 1, "1/(B-1)": B - 1}.get(mutant, B)
    out["loss"] = total((np.log(sums) - shifted)[rows, targets]) / wte.dtype.type(B)
    dlogits = out["probs"].copy()
    dlogits[rows, targets] -= 1
    out["dlogits"] = dlogits / wte.dtype.type(mean_over)
    return _backward(out, flat, wte, w2, w1, inputs, matmul, total, mutant)


def _backward(
    out: dict[str, Array],
    flat: Array,
    wte: Array,
    w2: Array,
    w1: Array,
    inputs: Array,
    matmul: Callable[[Array, Array], Array],
    total: Sum,
    mutant: str,
) -> dict[str, Array]:
    dlogits, h = out["dlogits"], out["h"]
    out["dfc2.weight"] = matmul(dlogits.T, h)
    out["dfc2.bias"] = total(dlogits.T)
    dh_in = w2[:, ::-1] if mutant == "weight read the wrong way" else w2
    out["dh"] = matmul(dlogits, dh_in)
    slope = 1 if mutant == "tanh' skipped" else 1 - h * h
    out["dh_pre"] = out["dh"] * slope
    used = slice(0, -1) if mutant == "last row ignored" else slice(None)
    out["dfc1.weight"] = matmul(out["dh_pre"][used].T, flat[used])
    out["dfc1.bias"] = np.zeros_like(w1[:, 0]) if mutant == "bias gradient dropped" else total(out["dh_pre"].T)
    out["demb"] = matmul(out["dh_pre"], w1).reshape(out["emb"].shape)
    out["dwte"] = np.zeros_like(wte)
    if mutant == "scatter overwrites":
        out["dwte"][inputs] = out["demb"]
    else:
        np.add.at(out["dwte"], inputs, out["demb"])
    return out


def torch_mlp(parameters: dict[str, Array], inputs: Array, targets: Array) -> dict[str, Array]:
    """The same tensors from torch's own ops and its autograd."""
    p = {k: torch.from_numpy(v.copy()).requires_grad_() for k, v in parameters.items()}
    ids, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    out = {"emb": torch.nn.functional.embedding(ids, p["wte"])}
    out["h_pre"] = torch.nn.functional.linear(out["emb"].flatten(1), p["fc1.weight"], p["fc1.bias"])
    out["h"] = torch.tanh(out["h_pre"])
    out["logits"] = torch.nn.functional.linear(out["h"], p["fc2.weight"], p["fc2.bias"])
    out["loss"] = torch.nn.functional.cross_entropy(out["logits"], y)
    wanted = {**{k: out[k] for k in ("logits", "h", "h_pre", "emb")}, **p}
    gradients = torch.autograd.grad(out["loss"], list(wanted.values()))
    out["probs"] = out["logits"].softmax(1)
    out.update(zip((f"d{k}" for k in wanted), gradients, strict=True))
    return {k: v.detach().numpy() for k, v in out.items()}
