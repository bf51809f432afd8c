"""Arguments for the GPT's operations whose results are hard to round, in addition to the random ones of gpt_ops.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnz.numbers.exact_sums import HARD

from .gpt_ops import random_mask, with_probs
from .strict import TERMS, random_float32s, squarable_sums

Array = np.ndarray
Case = dict[str, Any]
f32 = np.float32


def _squares(rng: np.random.Generator) -> Array:
    """Rows whose squares add up to a midpoint of two float32s, or slightly off it        (sums, TERMS)"""
    rows = np.zeros((24, TERMS), f32)
    rows[:, 0] = np.ldexp(1.0, rng.integers(-9, 9, 24))
    rows[:, 1] = rows[:, 0] * f32(2.0**-12)
    rows[:, 2] = rows[:, 0] * np.resize(np.array([0, 2.0**-20, 2.0**-30], f32), 24)
    return rng.permuted(rows, axis=1)


def _layer_norm_forward(rng: np.random.Generator) -> list[Case]:
    weight, bias = random_float32s(rng, (2, TERMS), -9, 9)
    return [{"x": x, "weight": weight, "bias": bias, "eps": 1e-3} for x in (squarable_sums(rng), _squares(rng))]


def _layer_norm_backward(rng: np.random.Generator) -> list[Case]:
    dy = squarable_sums(rng)
    x, mean, rstd = (random_float32s(rng, shape, -4, 4) for shape in (dy.shape, dy.shape[:1], dy.shape[:1]))
    given = {"x": x, "mean": mean, "rstd": np.abs(rstd)}
    columns = {"dy": dy.T, "x": x.T.copy(), "mean": mean[:TERMS], "rstd": np.abs(rstd[:TERMS])}
    return [
        {"dy": dy, **given, "weight": np.ones(TERMS, f32)},
        {"dy": dy, **given, "weight": random_float32s(rng, (TERMS,), -4, 4)},
        {**columns, "weight": random_float32s(rng, (len(dy),), -4, 4)},  # dbias
    ]


def _rms_norm_forward(rng: np.random.Generator) -> list[Case]:
    weight = random_float32s(rng, (TERMS,), -9, 9)
    return [
        {"x": x, "weight": w, "eps": eps}
        for x in (squarable_sums(rng), _squares(rng))
        for w, eps in ((None, 2.0**-100), (weight, 1e-3))
    ]


def _rms_norm_backward(rng: np.random.Generator) -> list[Case]:
    cases = [{k: v for k, v in c.items() if k != "mean"} for c in _layer_norm_backward(rng)]
    return [*cases, cases[0] | {"weight": None}]


def _gelu_forward(rng: np.random.Generator) -> list[Case]:
    hard = np.array(list(HARD["tanh"]), np.uint32).view(f32)
    near = hard / f32(0.7978846)  # where x^3 is small, tanh is taken of nearly the hard one
    edges = np.array([0.0, 2.0**-149, 2.0**-126, 1e-8, 3.0, 5.0, 10.0, 1e12], f32)
    values = [near, np.nextafter(near, f32(9)), edges, -edges, random_float32s(rng, (200,), -30, 6)]
    return [{"x": np.concatenate(values)}]


def _gelu_backward(rng: np.random.Generator) -> list[Case]:
    return [{"dy": random_float32s(rng, c["x"].shape, -30, 30), **c} for c in _gelu_forward(rng)]


def _attention_forward(rng: np.random.Generator) -> list[Case]:
    """Even probabilities over values whose sum is half way; and scores of all sizes."""
    even = np.zeros((1, 2, 3, 24), f32)
    even[0, 0, 2] = np.ldexp(1 + 2.0**-23 * rng.integers(0, 2**23, 24), 1)
    even[0, 1, 2] = np.resize(np.array([2.0**-23, 2.0**-23 * (1 + 2.0**-20), 2.0**-23 * (1 - 2.0**-20)], f32), 24)
    wild = random_float32s(rng, (2, 9, 3, 12), -12, 3)
    return [
        {"qkv": even, "mask": None, "H": 2},
        {"qkv": wild, "mask": None, "H": 3},
        {"qkv": wild, "mask": random_mask(rng, 2, 3, 9, 9).astype(f32), "H": 3},
    ]


def _attention_backward(rng: np.random.Generator) -> list[Case]:
    cases = []
    for c in _attention_forward(rng):
        dy = c["qkv"][:, :, 2] if len(c["qkv"]) == 1 else random_float32s(rng, c["qkv"][:, :, 2].shape, -12, 9)
        cases.append(with_probs({"dy": dy.copy(), "qkv": c["qkv"], "mask": c["mask"]}, c["H"]))
    return cases


def _dropout_mask(rng: np.random.Generator) -> list[Case]:
    """Of these p, 1 / (1 - p) rounds otherwise where 1 - p was rounded before."""
    key = {"seed": 3, "site": 1, "step": 7}
    return [{"mask": np.zeros((5, 8), f32), "p": p, **key} for p in (0.15, 0.45)]


HARD_CASES: dict[str, Callable[[np.random.Generator], list[Case]]] = {
    maker.__name__.removeprefix("_"): maker
    for maker in (
        _layer_norm_forward,
        _layer_norm_backward,
        _rms_norm_forward,
        _rms_norm_backward,
        _gelu_forward,
        _gelu_backward,
        _attention_forward,
        _attention_backward,
        _dropout_mask,
    )
}
