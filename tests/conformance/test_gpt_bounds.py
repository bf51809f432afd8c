"""The bounds of the GPT's operations hold for every honest way of computing them, and for no wrong one."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import compare
from nnz.conformance.bounds.gpt import gpt_with_limits, with_limits
from nnz.conformance.cases.gpt import random_gpt_case
from nnz.conformance.cases.ops import op_cases
from nnz.conformance.oracle import ops as oracle
from nnz.conformance.oracle.gpt import gpt

Array = np.ndarray
DTYPES = ("float32", "float64")
DRAWS = 5


def welford(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    """A mean and a variance that are updated with each number of the row (Welford 1962)."""
    mean, squares = np.zeros(len(x), x.dtype), np.zeros(len(x), x.dtype)
    for i in range(x.shape[1]):
        off = x[:, i] - mean
        mean = mean + off / x.dtype.type(i + 1)
        squares = squares + off * (x[:, i] - mean)
    rstd = 1 / np.sqrt(squares / x.dtype.type(x.shape[1]) + x.dtype.type(eps))
    return (x - mean[:, None]) * rstd[:, None] * weight + bias, mean, rstd


def as_a_line(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    """y = x a + b, a = rstd weight, b = bias - mean a."""
    mean = np.add.accumulate(x, axis=1)[:, -1] / x.dtype.type(x.shape[1])
    rstd = 1 / np.sqrt(np.square(x - mean[:, None]).mean(axis=1) + x.dtype.type(eps))
    a = rstd[:, None] * weight
    return x * a + (bias - mean[:, None] * a), mean, rstd


def norm_backward_as_a_line(dy: Array, x: Array, mean: Array, rstd: Array, weight: Array) -> tuple[Array, ...]:
    """dx = dy a + x b + c, as torch's kernel has it."""
    E, mean, rstd = x.dtype.type(x.shape[1]), mean[:, None], rstd[:, None]
    g = dy * weight
    ds, db = (g * x).sum(axis=1, keepdims=True), g.sum(axis=1, keepdims=True)
    b = (db * mean - ds) * rstd * rstd * rstd / E
    dx = rstd * g + b * x + (-b * mean - db * rstd / E)
    return dx, (dy * (x * rstd - mean * rstd)).sum(axis=0), dy.sum(axis=0)


def sigmoid_form(x: Array) -> Array:
    """x sigmoid(2 inner), of which the tanh form is another way to write."""
    one, c, s = x.dtype.type(1), x.dtype.type(0.044715), x.dtype.type(np.sqrt(8 / np.pi))
    with np.errstate(over="ignore"):
        return x / (one + np.exp(-(s * x * (one + c * x * x))))


def online(qkv: Array, mask: Array | None, H: int) -> tuple[Array, Array]:
    """A softmax in one pass over the keys: what was added is scaled when a new maximum comes (Milakov 2018)."""
    B, T, _, E = qkv.shape
    q, k, v = (qkv[:, :, i].reshape(B, T, H, E // H).transpose(0, 2, 1, 3) for i in range(3))
    y, probs = np.zeros_like(q), np.zeros((B, H, T, T), qkv.dtype)
    for t in range(T):
        largest, total = np.full((B, H), -np.inf, qkv.dtype), np.zeros((B, H), qkv.dtype)
        for u in range(t + 1):
            score = (q[:, :, t] * k[:, :, u]).sum(axis=2) / np.sqrt(qkv.dtype.type(E // H))
            new = np.maximum(largest, score)
            scale, e = np.exp(largest - new), np.exp(score - new)
            probs[:, :, t] *= scale[..., None]
            probs[:, :, t, u] = e
            factor = e if mask is None else e * mask[:, :, t, u]
            y[:, :, t] = y[:, :, t] * scale[..., None] + factor[..., None] * v[:, :, u]
            total, largest = total * scale + e, new
        y[:, :, t] /= total[..., None]
        probs[:, :, t] /= total[..., None]
    return y.transpose(0, 2, 1, 3).reshape(B, T, E), probs


def flash_backward(dy: Array, qkv: Array, probs: Array, mask: Array | None) -> Array:
    """With the probs computed again, and dy . y for the sum over the keys (Dao et al. 2022)."""
    B, T, _, E = qkv.shape
    H, root = probs.shape[1], np.sqrt(qkv.dtype.type(E // probs.shape[1]))
    y, probs = online(qkv, mask, H)
    q, k, v = (qkv[:, :, i].reshape(B, T, H, E // H).transpose(0, 2, 1, 3) for i in range(3))
    dy, y = (each.reshape(B, T, H, E // H).transpose(0, 2, 1, 3) for each in (dy, y))
    factor = qkv.dtype.type(1) if mask is None else mask
    dscores = probs * (dy @ v.swapaxes(2, 3) * factor - (dy * y).sum(axis=3, keepdims=True)) / root
    found = dscores @ k, dscores.swapaxes(2, 3) @ q, (probs * factor).swapaxes(2, 3) @ dy
    return np.stack([each.transpose(0, 2, 1, 3).reshape(B, T, E) for each in found], axis=2)


HONEST: list[tuple[str, Callable]] = [
    ("layer_norm_forward", welford),
    ("layer_norm_forward", as_a_line),
    ("layer_norm_backward", norm_backward_as_a_line),
    ("gelu_forward", sigmoid_form),
    ("attention_forward", online),
    ("attention_backward", flash_backward),
]


def shares(name: str, function: Callable, dtype: str) -> float:
    """The largest share of T1 that the function comes to."""
    rng, largest = np.random.default_rng(11), 0.0
    for _ in range(DRAWS):
        for case in op_cases(name, rng, dtype):
            found, limits = oracle.by_name(name, function(**case)), bounds.op_bounds(name, case, dtype)
            expected = oracle.outputs(name, case)
            measured = [compare(key, found[key], expected[key], limits[key], dtype) for key in found]
            largest = max(largest, *(m.share_of_bound for m in measured))
    return largest


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "function"), HONEST, ids=[function.__name__ for _, function in HONEST])
def test_t1_holds_for_honest_variants(name, function, dtype):
    assert shares(name, function, dtype) <= 1


def eps_outside(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    mean, std = x.mean(axis=1), x.std(axis=1)
    rstd = 1 / (std + x.dtype.type(eps))
    return (x - mean[:, None]) * rstd[:, None] * weight + bias, mean, rstd


def unbiased(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    mean, rstd = x.mean(axis=1), 1 / np.sqrt(x.var(axis=1, ddof=1) + x.dtype.type(eps))
    return (x - mean[:, None]) * rstd[:, None] * weight + bias, mean, rstd


def without_the_mean(dy: Array, x: Array, mean: Array, rstd: Array, weight: Array) -> tuple[Array, ...]:
    found = oracle.outputs("layer_norm_backward", {"dy": dy, "x": x, "mean": mean, "rstd": rstd, "weight": weight})
    rms = {"dy": dy, "x": x - mean[:, None], "rstd": rstd, "weight": weight}
    return oracle.outputs("rms_norm_backward", rms)["dx"].astype(x.dtype), *(
        found[name].astype(x.dtype) for name in ("dweight", "dbias")
    )


def exact_gelu(x: Array) -> Array:
    from math import erf

    return (x / 2 * (1 + np.vectorize(erf)(x / np.sqrt(2)))).astype(x.dtype)


def scaled_by(power: float) -> Callable:
    def attention(qkv: Array, mask: Array | None, H: int) -> tuple[Array, Array]:
        factor = qkv.dtype.type((qkv.shape[3] // H) ** power)
        return online(np.stack([qkv[:, :, 0] * factor, qkv[:, :, 1], qkv[:, :, 2]], axis=2), mask, H)

    return attention


def no_mask_in_dprobs(dy: Array, qkv: Array, probs: Array, mask: Array | None) -> Array:
    found = flash_backward(dy, qkv, probs, None)
    found[:, :, 2] = flash_backward(dy, qkv, probs, mask)[:, :, 2]
    return found


WRONG: list[tuple[str, Callable]] = [
    ("layer_norm_forward", eps_outside),
    ("layer_norm_forward", unbiased),
    ("layer_norm_backward", without_the_mean),
    ("gelu_forward", exact_gelu),
    ("attention_forward", scaled_by(0.5)),
    ("attention_forward", scaled_by(-0.5)),
    ("attention_backward", no_mask_in_dprobs),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "function"), WRONG, ids=[f"{name}-{i}" for i, (name, _) in enumerate(WRONG)])
def test_no_wrong_variant_stays_within_t1(name, function, dtype):
    assert shares(name, function, dtype) > 1


def test_what_rounding_moves_over_0_before_a_relu_is_allowed_and_nothing_more():
    rng = np.random.default_rng(3)
    case = random_gpt_case(rng, "float64", activation="relu", linear_bias=True, n_layer=2)
    c, bias = case.config, "blocks.0.mlp.fc1.bias"
    how = {"n_head": c.n_head, "activation": "relu", "norm": c.norm, "norm_first": c.norm_first}
    weights = dict(case.weights)
    before = gpt(weights, case.inputs, case.targets, **how)["blocks.0.a_pre"][1, 2, 5]
    near, over = ({**weights, bias: weights[bias].copy()} for _ in range(2))
    near[bias][5] += 1e-7 - before
    over[bias][5] += -1e-7 - before
    exact, limits = gpt_with_limits(near, case.inputs, case.targets, "float32", **how)
    honest = gpt(over, case.inputs, case.targets, **how)
    too_narrow = with_limits(partial(gpt, near, case.inputs, case.targets, **how), "float32")[1]
    assert all((np.abs(honest[name] - exact[name]) <= limits[name]).all() for name in exact)
    assert any((np.abs(honest[name] - exact[name]) > too_narrow[name]).any() for name in exact)
    assert (np.abs(exact["dblocks.1.mlp.fc1.bias"]) > limits["dblocks.1.mlp.fc1.bias"]).any()  # a missing one is found
