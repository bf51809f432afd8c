"""The GPT's operations in any size and of any value; see wide.py, which draws for all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..oracle import gpt_ops as oracle
from .gpt_ops import random_mask, with_probs, with_statistics
from .ops import Array, Case

Normal = Callable[..., Array]

AXES = {
    "layer_norm": "BE",
    "rms_norm": "BE",
    "relu": "BN",
    "gelu": "BN",
    "attention": "BTHS",  # S = E / H
    "dropout": "BN",
    "dropout_mask": "n",
    "square_sum": "n",
    "clip": "n",
}
FEW_NUMBERS = 3  # in a shorter row nothing, or rounding alone, is left of what a norm's backward computes
MOST_SCORES, MOST_PRODUCTS = 2**17, 2**22
MOST_DRAWN = 2**17  # numbers of a mask: the oracle draws them one block at a time
EPSES = (1e-12, 1e-5, 1.0)

# The powers of ten between which an argument lies; those of a product must not overflow float32.
POWERS = {"gelu": (-30, 9), "attention": (-6, 2), "square_sum": (-30, 15), "clip": (-30, 30), "dropout": (-44, 30)}
NORM_POWERS = (-8, 8)
AS_DRAWN = ("mask", "probs", "mean", "rstd", "weight", "bias")  # whose size belongs to that of another argument


def fits(op: str, n: dict[str, int]) -> bool:
    """Whether the oracle can compute it soon; a norm needs a few numbers in a row."""
    if op == "attention":
        scores, numbers = n["B"] * n["H"] * n["T"] ** 2, n["B"] * n["H"] * n["T"] * n["S"]
        return scores <= MOST_SCORES and numbers <= MOST_SCORES * 4 and scores * n["S"] <= MOST_PRODUCTS
    if op == "dropout_mask":
        return n["n"] <= MOST_DRAWN
    return n.get("E", FEW_NUMBERS) >= FEW_NUMBERS


def small(rng: np.random.Generator, op: str, sizes: dict[str, int]) -> dict[str, int]:
    """Small sizes of attention are smaller still: its probs have four axes."""
    return sizes | {"B": int(rng.integers(1, 3)), "H": int(rng.integers(1, 4))} if op == "attention" else sizes


def _layer_norm(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    x, E = normal(n["B"], n["E"]) + rng.normal(size=(n["B"], 1)), n["E"]
    if function.endswith("backward"):
        return with_statistics(
            {"dy": normal(*x.shape), "x": x, "weight": normal(E)}, float(rng.choice(EPSES[1:])), True
        )
    return {"x": x, "weight": normal(E), "bias": normal(E), "eps": 0.01}


def _rms_norm(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    x, weight = normal(n["B"], n["E"]), None if rng.random() < 0.25 else normal(n["E"])
    if function.endswith("backward"):
        given = {"dy": normal(*x.shape), "x": x, "weight": weight}
        return with_statistics(given, float(rng.choice(EPSES[1:])), False)
    return {"x": x, "weight": weight, "eps": 0.01}


def _relu(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    x = normal(n["B"], n["N"])
    x.flat[0] = abs(x.flat[0]) + 1  # one of them is passed on
    return {"dy": normal(*x.shape), "y": np.maximum(x, 0)} if function.endswith("backward") else {"x": x}


def _gelu(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    x = normal(n["B"], n["N"])
    return {"dy": normal(*x.shape), "x": x} if function.endswith("backward") else {"x": x}


def _attention(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    B, T, H = n["B"], n["T"], n["H"]
    qkv = normal(B, T, 3, H * n["S"])
    mask = None if rng.random() < 0.5 else random_mask(rng, B, H, T, T)
    if function.endswith("backward"):
        return with_probs({"dy": normal(B, T, H * n["S"]), "qkv": qkv, "mask": mask}, H)
    return {"qkv": qkv, "mask": mask, "H": H}


def _dropout(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    x = normal(n["B"], n["N"])
    return {"dy" if function.endswith("backward") else "x": x, "mask": random_mask(rng, *x.shape)}


def _dropout_mask(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    while True:
        key = {name: int(rng.integers(2 ** int(rng.integers(1, 64)))) for name in ("seed", "site", "step")}
        case = {"mask": normal(n["n"]), "p": float(rng.choice([0.0, 0.1, 0.5])), **key}
        if oracle.dropout_mask(case["mask"][:4], case["p"], *key.values()).any():  # not all of a small one are dropped
            return case


def _square_sum(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    return {"g": normal(n["n"])}


def _clip(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    return {"g": normal(n["n"]), "scale": float(rng.uniform(0.1, 1))}


MAKERS = {
    maker.__name__[1:]: maker
    for maker in (_layer_norm, _rms_norm, _relu, _gelu, _attention, _dropout, _dropout_mask, _square_sum, _clip)
}


def extreme(rng: np.random.Generator, op: str, name: str, array: Array, numbers: Callable[..., Array]) -> Array:
    """Numbers of all magnitudes that this argument may have, drawn by `numbers(low, high)`; the sign stays."""
    if name in AS_DRAWN:
        return array
    if op in ("layer_norm", "rms_norm"):  # one magnitude for each row
        return 10.0 ** rng.uniform(*NORM_POWERS, (len(array), 1)) * array
    found = numbers(*POWERS.get(op, (-44, 30)))
    return np.abs(found) if op == "relu" and name == "y" else found


def consistent(rng: np.random.Generator, function: str, case: Case) -> Case:
    """The case with what belongs to its other arguments computed again, and settings that a formula may have wrong."""
    if function == "attention_backward":
        return with_probs(case, case["probs"].shape[1])
    if function in ("layer_norm_backward", "rms_norm_backward"):
        return with_statistics(case, float(rng.choice(EPSES)), function.startswith("layer"))
    if function in ("layer_norm_forward", "rms_norm_forward"):
        return case | {"eps": float(rng.choice(EPSES))}
    if function == "clip_step":
        return case | {"scale": float(rng.choice([0.0, 1e-6, 1.0]))}
    return case
