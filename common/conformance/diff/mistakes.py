"""The usual mistakes in one operation, each with what its output would then be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..oracle import mlp as oracle

Array = np.ndarray
Mistakes = Iterator[tuple[str, Array]]


def mistakes(function: str, output: str, given: dict[str, Any], inputs: Array | None = None) -> Mistakes:
    """The `inputs` of the batch are what the targets may have been taken from."""
    g = {k: np.asarray(v, np.float64) if np.asarray(v).dtype.kind == "f" else v for k, v in given.items()}
    yield from _of_targets(output, g, inputs)
    if function == "linear_forward":
        M, N = g["w"].shape
        yield "a transposed weight", g["x"] @ g["w"].reshape(N, M) + (0.0 if g["b"] is None else g["b"])
        yield "the bias is not added", g["x"] @ g["w"].T
    elif function == "linear_backward" and output == "dx":
        M, N = g["w"].shape
        yield "a transposed weight", g["dy"] @ g["w"].reshape(N, M).T
    elif function == "linear_backward":
        dy, x = (g[k].reshape(-1, g[k].shape[-1]) for k in ("dy", "x"))
        yield from _of_sums(dy, x, output == "db")
    elif function == "tanh_forward":
        yield "tanh is skipped", g["x"]
    elif function == "tanh_backward":
        yield "tanh' is skipped", g["dy"]
        yield "tanh' is 1 - y instead of 1 - y^2", g["dy"] * (1 - g["y"])
        yield "tanh' is computed from its argument instead of its result", g["dy"] * (1 - np.arctanh(g["y"]) ** 2)
    elif output == "loss":
        yield "in bits, not in nats", oracle.cross_entropy_forward(g["logits"], g["targets"])[0] / np.log(2)
    elif function == "cross_entropy_backward":
        yield "the one-hot of the targets is not subtracted", g["probs"] / len(g["probs"])
        yield "the one-hot of the targets is not subtracted, nor is it a mean", g["probs"]
    elif function == "embedding_backward":
        overwritten, rows = np.zeros((g["V"], g["demb"].shape[-1])), np.zeros((g["V"], g["demb"].shape[-1]))
        overwritten[g["ids"]] = g["demb"]
        yield "accumulation lost: a token that occurs twice keeps only its last gradient", overwritten
        np.add.at(rows, g["ids"][:-1], g["demb"][:-1])
        yield "the last row is ignored", rows
    elif function == "batch_norm_forward":
        yield from _of_batch_norm(output, g)
    elif function.endswith("norm_forward") and output == "y":
        yield from _of_norm(function, g)
    elif function.endswith("norm_backward"):
        yield from _of_norm_backward(output, g)
    elif function.startswith(("relu", "gelu")):
        yield from _of_activation(function, g)
    elif function == "attention_forward":
        yield from _of_attention(output, g)
    elif function == "attention_backward":
        yield from _of_attention_backward(g)


def _of_targets(output: str, g: dict[str, Any], inputs: Array | None) -> Mistakes:
    """The loss or its gradient, if other targets were taken than the ones given."""
    if output not in ("loss", "dlogits"):
        return
    targets, V = g["targets"], g["logits" if output == "loss" else "probs"].shape[-1]
    others = {
        "the targets are shifted: each row has that of the row before it": np.roll(targets, 1),
        "the targets are shifted: each row has that of the row after it": np.roll(targets, -1),
        "the targets are one too small": (targets - 1) % V,
        "the targets are one too large": (targets + 1) % V,
        "the targets are in the reverse order": targets[::-1],
    }
    if inputs is not None and inputs.size == targets.size:
        others["the targets are the inputs"] = inputs.reshape(targets.shape)
    elif inputs is not None:
        others["the targets are the last token of each input"] = inputs[:, -1]
        others["the targets are the first token of each input"] = inputs[:, 0]
    for cause, other in others.items():
        if output == "loss":
            yield cause, np.array(oracle.cross_entropy_forward(g["logits"], other)[0])
        else:
            yield cause, (g["probs"] - np.eye(V)[other]) / len(targets)


def _of_sums(dy: Array, x: Array, bias: bool) -> Mistakes:
    """The gradient of a weight or of a bias, summed over the rows."""
    full, ones = (dy.sum(axis=0), dy[-1]) if bias else (dy.T @ x, np.outer(dy[-1], x[-1]))
    yield "the last row is ignored", full - ones
    yield "accumulation lost: only the last row counts", ones
    if not bias:
        yield "a transposed result", (x.T @ dy).reshape(full.shape)


def _of_batch_norm(output: str, g: dict[str, Any]) -> Mistakes:
    x = g["x"].reshape(-1, g["x"].shape[-1])
    mean, n, momentum = x.mean(axis=0), len(x), g.get("momentum", 0.1)
    unbiased = x.var(axis=0, ddof=1) if n > 1 else x.var(axis=0)
    if output == "y":
        normal = (g["x"] - mean) / np.sqrt(unbiased + g.get("eps", 1e-5))
        yield "the variance is divided by n - 1 instead of n", g["weight"] * normal + g["bias"]
        normal = (g["x"] - mean) / (np.sqrt(x.var(axis=0)) + g.get("eps", 1e-5))
        yield "eps is added outside the root", g["weight"] * normal + g["bias"]
    elif output == "new_running_var":
        old = g["running_var"]
        yield "it takes the variance with n; it must have n - 1", (1 - momentum) * old + momentum * x.var(axis=0)
        yield "momentum is taken for 1 - momentum", momentum * old + (1 - momentum) * unbiased
    elif output == "new_running_mean":
        yield "momentum is taken for 1 - momentum", momentum * g["running_mean"] + (1 - momentum) * mean


def _of_norm(function: str, g: dict[str, Any]) -> Mistakes:
    """Of a layer norm or an RMS norm over the last axis."""
    x, eps, weight, bias = g["x"], g.get("eps", 1e-5), g.get("weight"), g.get("bias", 0.0)
    weight, E, has_mean = 1.0 if weight is None else weight, x.shape[-1], function.startswith("layer")
    mean = x.mean(axis=1, keepdims=True)
    centred = x - mean if has_mean else x
    square = (centred**2).mean(axis=1, keepdims=True)
    yield "the variance is divided by n - 1 instead of n", weight * centred / np.sqrt(square * E / (E - 1) + eps) + bias
    yield "eps is added outside the root", weight * centred / (np.sqrt(square) + eps) + bias
    yield "eps is missing", weight * centred / np.sqrt(square) + bias
    yield "it is divided by the variance, without a root", weight * centred / (square + eps) + bias
    yield "the weight is not applied", centred / np.sqrt(square + eps) + bias
    yield "the bias is not added", weight * centred / np.sqrt(square + eps)
    other = x if has_mean else x - mean
    cause = "the mean is not subtracted" if has_mean else "the mean is subtracted"
    yield cause, weight * other / np.sqrt((other**2).mean(axis=1, keepdims=True) + eps) + bias


def _of_norm_backward(output: str, g: dict[str, Any]) -> Mistakes:
    x, dy, rstd, weight = g["x"], g["dy"], g["rstd"][:, None], g.get("weight")
    xhat = (x - g["mean"][:, None] if "mean" in g else x) * rstd
    if output != "dx":
        yield from _of_sums(dy * (xhat if output == "dweight" else 1), x, bias=True)
        yield "xhat is missing: the sum of dy alone", dy.sum(axis=0)
        return
    dxhat = dy * (1.0 if weight is None else weight)
    mean, slope = dxhat.mean(axis=1, keepdims=True), xhat * (dxhat * xhat).mean(axis=1, keepdims=True)
    yield "both sums over the row are missing", rstd * dxhat
    yield "the sum that comes through the root is missing", rstd * (dxhat - mean)
    yield "the sum that comes through the mean is missing", rstd * (dxhat - slope)
    yield "rstd is missing", dxhat - slope - (mean if "mean" in g else 0)
    if weight is not None:
        mean, slope = dy.mean(axis=1, keepdims=True), xhat * (dy * xhat).mean(axis=1, keepdims=True)
        yield "the weight is missing", rstd * (dy - mean - slope)


def _of_activation(function: str, g: dict[str, Any]) -> Mistakes:
    name, _, way = function.partition("_")
    yield (f"{name} is skipped", g["x"]) if way == "forward" else (f"{name}' is skipped", g["dy"])
    if name == "gelu":
        x = g["x"]
        phi = (1 + np.vectorize(math.erf)(x / np.sqrt(2))) / 2
        density, sigmoid = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), 1 / (1 + np.exp(-1.702 * x))
        exact, quick = "it is the exact GELU, not its tanh form", "it is x sigmoid(1.702 x), not the tanh form"
        if way == "forward":
            yield exact, x * phi
            yield quick, x * sigmoid
        else:
            yield exact, g["dy"] * (phi + x * density)
            yield quick, g["dy"] * sigmoid * (1 + 1.702 * x * (1 - sigmoid))


def _of_attention(output: str, g: dict[str, Any]) -> Mistakes:
    H, E = int(g["H"]), g["qkv"].shape[3]
    q, k, v = (_heads(g["qkv"][:, :, i], H) for i in range(3))
    T, scores = q.shape[2], q @ k.swapaxes(2, 3)
    seen, root = np.tril(np.ones((T, T), bool)), np.sqrt(E // H)
    ways = {
        "the mask is missing: a token sees those after it": _softmax(scores / root, np.ones_like(seen)),
        "the mask is off by one: a token sees the next": _softmax(scores / root, np.tril(np.ones_like(seen), 1)),
        "the scores are not divided by the root": _softmax(scores, seen),
        "the scores are divided without the root": _softmax(scores / root**2, seen),
        "the scores are divided by the root of n_embd, not of a head's size": _softmax(scores / np.sqrt(E), seen),
        "the softmax is over the queries": _softmax((scores / root).swapaxes(2, 3), seen.T).swapaxes(2, 3),
        "the mask is applied after the softmax": _softmax(scores / root, np.ones_like(seen)) * seen,
        "queries and keys are exchanged": _softmax(scores.swapaxes(2, 3) / root, seen),
    }
    for cause, probs in ways.items():
        yield cause, probs if output == "probs" else _side_by_side(probs @ v)
    if output == "y":
        right = _softmax(scores / root, seen) @ v
        yield "the heads are not put side by side again", right.reshape(*g["qkv"].shape[:2], E)


def _of_attention_backward(g: dict[str, Any]) -> Mistakes:
    probs, H = g["probs"], g["probs"].shape[1]
    (q, k, v), dy = (_heads(g["qkv"][:, :, i], H) for i in range(3)), _heads(g["dy"], H)
    root, dprobs, dv = np.sqrt(q.shape[3]), dy @ v.swapaxes(2, 3), probs.swapaxes(2, 3) @ dy
    dscores = probs * (dprobs - (probs * dprobs).sum(axis=3, keepdims=True))
    ways = {
        "dq and dk are not divided by the root": dscores,
        "the sum over the row is missing in the gradient of the softmax": probs * dprobs / root,
        "the softmax is not differentiated": dprobs / root * (probs > 0),
    }
    for cause, d in ways.items():
        yield cause, _stacked(d @ k, d.swapaxes(2, 3) @ q, dv)
    d = dscores / root
    yield "dq and dk are exchanged", _stacked(d.swapaxes(2, 3) @ q, d @ k, dv)


def _stacked(*parts: Array) -> Array:
    return np.stack([_side_by_side(part) for part in parts], axis=2)


def _softmax(scores: Array, seen: Array) -> Array:
    e = np.where(seen, np.exp(scores - np.where(seen, scores, -np.inf).max(axis=-1, keepdims=True)), 0)
    return e / e.sum(axis=-1, keepdims=True)


def _heads(x: Array, H: int) -> Array:
    """(B,T,E) -> (B,H,T,E/H)"""
    return x.reshape(*x.shape[:2], H, -1).swapaxes(1, 2)


def _side_by_side(x: Array) -> Array:
    """(B,H,T,E/H) -> (B,T,E)"""
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)
