"""Arguments for each operation whose results are hard to round, in addition to the random ones of ops.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnz.numbers.exact_sums import HARD

from .ops import op_cases
from .strict import TERMS, hard_products, hard_sums, random_float32s, squarable_sums
from .strict_gpt import HARD_CASES as OF_GPT

Array = np.ndarray
Case = dict[str, Any]
f32 = np.float32

LN2 = float(np.log(2))


def strict_cases(op_name: str, rng: np.random.Generator) -> list[Case]:
    """Arguments by name for one function of nnz.backend.spec: random ones first, then those that are hard to round."""
    return op_cases(op_name, rng, f32) + (HARD_CASES | OF_GPT).get(op_name, lambda rng: [])(rng)


def _linear_forward(rng: np.random.Generator) -> list[Case]:
    (a, b), sums = hard_products(rng), hard_sums(rng)
    wild = {"x": random_float32s(rng, (7, 40)), "w": random_float32s(rng, (11, 40)), "b": None}
    bias = random_float32s(rng, (len(b),), -30, 30)
    bias[-4:] = -0.0  # where the product rounds to 0: +0 plus -0 is +0
    ones = {"x": sums, "w": np.ones((1, TERMS), f32), "b": np.array([-0.0], f32)}
    return [{"x": a, "w": b, "b": bias}, ones, wild, {"x": wild["x"][:1, :1], "w": wild["w"][:, :1], "b": None}]


def _linear_backward(rng: np.random.Generator) -> list[Case]:
    (a, b), sums = hard_products(rng), hard_sums(rng)

    def plain(*shape: int) -> Array:
        return random_float32s(rng, shape, -9, 9)

    return [
        {"dy": a.T, "x": b.T, "w": plain(len(a), len(b))},  # dw is hard
        {"dy": a, "x": plain(len(a), 5), "w": np.resize(b, (len(b), TERMS)).T[:, :5]},
        {"dy": a, "x": plain(len(a), len(b)), "w": b.T},  # dx
        {"dy": sums.T, "x": np.ones((TERMS, 2), f32), "w": plain(len(sums), 2)},  # db, and dw
    ]


def _embedding_backward(rng: np.random.Generator) -> list[Case]:
    sums, others = hard_sums(rng).T, hard_sums(rng).T  # (TERMS, E)
    demb = np.stack([sums, others, random_float32s(rng, sums.shape)], axis=1)  # (B, T, E)
    ids = np.tile([1, 3, 3], (TERMS, 1))
    ids[:, 2] = rng.integers(4, 6, TERMS)
    return [{"demb": demb, "ids": ids, "V": 7}]


def _tanh_forward(rng: np.random.Generator) -> list[Case]:
    hard = np.array(list(HARD["tanh"]), np.uint32).view(f32)
    edges = np.array([0.0, 2.0**-149, 2.0**-126, 9.010913, 9.0109145, 20, 88, 3e38], f32)
    values = np.concatenate([hard, np.nextafter(hard, f32(9)), edges, -edges, random_float32s(rng, (60,))])
    return [{"x": values}]


def _tanh_backward(rng: np.random.Generator) -> list[Case]:
    y = np.concatenate([rng.uniform(-1, 1, 200), np.tanh(random_float32s(rng, (60,), -60, 4)), [1, -1, 0]]).astype(f32)
    return [{"dy": random_float32s(rng, y.shape), "y": y}]


def _cross_entropy_forward(rng: np.random.Generator) -> list[Case]:
    hard = np.array([x for x in HARD["exp"] if x >> 31], np.uint32).view(f32)  # no shifted logit is positive
    half = f32(-24 * LN2)  # exp of it is about half the last bit of 1
    near = np.array([half, np.nextafter(half, f32(0)), np.nextafter(half, f32(-99)), -24.9, -16, -104, -87.5], f32)
    seconds = np.concatenate([hard, near, -np.abs(random_float32s(rng, (40,), -30, 7))])
    logits = np.stack([np.zeros_like(seconds), seconds], axis=1)
    cases = [{"logits": logits, "targets": rng.integers(0, 2, len(logits))}]
    for bits in HARD["log"]:
        target = float(np.array(bits, np.uint32).view(f32))
        if 1 < target < 64:  # so many ones, and one exponential that makes the sum this
            row = [*[0.0] * int(target), np.log(target - int(target))]
            cases.append({"logits": np.array([row], f32), "targets": np.array([0])})
    return cases


def _batch_norm_forward(rng: np.random.Generator) -> list[Case]:
    x = squarable_sums(rng).T
    C = x.shape[1]
    weight, bias, running_mean, spread = random_float32s(rng, (4, C), -9, 9)
    given = {"x": x, "weight": weight, "bias": bias, "running_mean": running_mean, "running_var": np.abs(spread)}
    settings = {"momentum": 0.3, "eps": 1e-3}
    return [{**given, **settings, "training": True}, {**given, **settings, "training": False}]


def _batch_norm_backward(rng: np.random.Generator) -> list[Case]:
    dy = squarable_sums(rng).T
    x = random_float32s(rng, dy.shape, -4, 4)
    mean, rstd, weight = random_float32s(rng, (3, dy.shape[1]), -4, 4)
    return [{"dy": dy, "x": x, "mean": mean, "rstd": np.abs(rstd), "weight": weight}]


def _sgd_step(rng: np.random.Generator) -> list[Case]:
    p, g = random_float32s(rng, (2, 300), -140, 60)
    return [{"p": p, "g": g, "lr": 0.1, "weight_decay": 0.1}]


def _adamw_step(rng: np.random.Generator) -> list[Case]:
    p, g, m, v = random_float32s(rng, (4, 300), -140, 60)
    moments = {"m": m, "v": np.abs(v)}
    settings = {"lr": 7e-4, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.1}
    return [{"p": p, "g": g, **moments, "t": t, **settings} for t in (1, 2, 1000)]


HARD_CASES: dict[str, Callable[[np.random.Generator], list[Case]]] = {
    maker.__name__.removeprefix("_"): maker
    for maker in (
        _embedding_backward,
        _linear_forward,
        _linear_backward,
        _tanh_forward,
        _tanh_backward,
        _cross_entropy_forward,
        _batch_norm_forward,
        _batch_norm_backward,
        _sgd_step,
        _adamw_step,
    )
}
