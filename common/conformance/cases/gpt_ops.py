"""Arguments for each operation of the GPT on which a wrong implementation cannot look right; see ops.py."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..oracle import gpt_ops as oracle

Array = np.ndarray
Case = dict[str, Any]

LONG_ROW = 321  # more numbers than a kernel adds at a time
HEADS, HEAD_SIZES, CONTEXTS = (1, 2, 3, 4), (1, 2, 5, 7, 8), (2, 3, 6, 9, 17)
KEPT = 1.25  # what a mask of p = 0.2 has where it keeps


def random_mask(rng: np.random.Generator, *shape: int) -> Array:
    """As dropout draws it; no row of it is all 0."""
    mask = np.where(rng.random(shape) < 0.2, 0.0, KEPT)
    mask[..., 0] = KEPT
    return mask


def with_probs(case: Case, H: int) -> Case:
    """The case with the probs that belong to its qkv, in its dtype."""
    probs = oracle.attention_forward(case["qkv"], None, H)[1]
    return case | {"probs": probs.astype(case["qkv"].dtype)}


def with_statistics(case: Case, eps: float, centred: bool) -> Case:
    """The case with the statistics that belong to its x."""
    x = case["x"].astype(np.float64)
    if centred:
        return case | {"mean": x.mean(axis=1), "rstd": 1 / np.sqrt(x.var(axis=1) + eps)}
    return case | {"rstd": 1 / np.sqrt(np.square(x).mean(axis=1) + eps)}


def _rows(rng: np.random.Generator, n: dict[str, int]) -> list[Array]:
    """Rows of a mean and a scale of their own, and one that hardly varies."""
    B, E = n["B"], n["H"] + 16  # so many that what two sums take off leaves something
    x = rng.normal(rng.normal(size=(B, 1)), rng.uniform(0.3, 3, (B, 1)), (B, E))
    x[0] = 0.5 + 0.1 * rng.normal(size=E)
    return [x, rng.normal(size=(3, LONG_ROW))]


def _layer_norm_forward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    return [
        {"x": x, "weight": rng.normal(1, 0.5, x.shape[1]), "bias": rng.normal(size=x.shape[1]), "eps": eps}
        for x, eps in zip(_rows(rng, n), (1e-5, 0.1), strict=True)  # the second, so that an ignored eps shows
    ]


def _layer_norm_backward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    given = [(c["x"], c["weight"], c["eps"]) for c in _layer_norm_forward(rng, n)]
    made = [({"dy": rng.normal(size=x.shape), "x": x, "weight": weight}, eps) for x, weight, eps in given]
    return [with_statistics(case, eps, centred=True) for case, eps in made]


def _rms_norm_forward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    cases = [{k: v for k, v in case.items() if k != "bias"} for case in _layer_norm_forward(rng, n)]
    return [*cases, cases[0] | {"weight": None}]


def _rms_norm_backward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    given = [(c["x"], c["weight"], c["eps"]) for c in _rms_norm_forward(rng, n)]
    made = [({"dy": rng.normal(size=x.shape), "x": x, "weight": weight}, eps) for x, weight, eps in given]
    return [with_statistics(case, eps, centred=False) for case, eps in made]


def _relu_forward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    x = rng.normal(size=(n["B"], n["T"], n["E"]))
    x[-1, -1, -2:] = 0.0, 1.0
    return [{"x": x}, {"x": 1e3 * rng.normal(size=(n["V"], n["H"]))}]


def _relu_backward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    return [{"dy": rng.normal(size=c["x"].shape), "y": np.maximum(c["x"], 0)} for c in _relu_forward(rng, n)]


def _gelu_forward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    spread = 10.0 ** rng.uniform(-6, 0.5, (n["B"], n["H"]))  # from y = x/2 on; where y is 0 or x, T2 says nothing
    return [
        {"x": rng.choice([-1.0, 1.0], spread.shape) * spread},
        {"x": rng.normal(size=(n["B"], n["T"], n["E"]))},
    ]


def _gelu_backward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    return [{"dy": rng.normal(size=c["x"].shape), "x": c["x"]} for c in _gelu_forward(rng, n)]


def _attention_forward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    """Heads of their own, a context longer than the batch, without and with dropout's mask."""
    H, size, T = (int(rng.choice(pool)) for pool in (HEADS, HEAD_SIZES, CONTEXTS))
    B, E = int(rng.integers(2, 5)), H * size
    qkv = rng.normal(size=(B, T, 3, E))
    return [{"qkv": qkv, "mask": None, "H": H}, {"qkv": qkv, "mask": random_mask(rng, B, H, T, T), "H": H}]


def _attention_backward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    cases = []
    for c in _attention_forward(rng, n):
        B, T, _, E = c["qkv"].shape
        case = {"dy": rng.normal(size=(B, T, E)), "qkv": c["qkv"], "mask": c["mask"]}
        cases.append(with_probs(case, c["H"]))
    return cases


def _dropout_mask(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    mask = rng.normal(size=(n["B"], n["T"], n["E"] + 16))  # so many that some are kept and some are not
    keys = [{"seed": 1337, "site": 0, "step": 0}, {"seed": 2**64 - 2, "site": 2**32 + 3, "step": 2**40 + 5}]
    return [{"mask": mask, "p": p, **key} for p, key in zip((0.2, 0.6), keys, strict=True)]


def _dropout_forward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    x = rng.normal(size=(n["B"], n["T"], n["E"]))
    return [{"x": x, "mask": random_mask(rng, *x.shape)}]


def _dropout_backward(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    return [{"dy": c["x"], "mask": c["mask"]} for c in _dropout_forward(rng, n)]


def _square_sum(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    return [{"g": rng.normal(size=(n["B"], n["H"]))}, {"g": 1e-3 * rng.normal(size=97 * 101)}]


def _clip_step(rng: np.random.Generator, n: dict[str, int]) -> list[Case]:
    return [{"g": rng.normal(size=(n["B"], n["H"])), "scale": scale} for scale in (0.3, 1.0)]


GPT_CASES: dict[str, Callable[[np.random.Generator, dict[str, int]], list[Case]]] = {
    maker.__name__.removeprefix("_"): maker
    for maker in (
        _layer_norm_forward,
        _layer_norm_backward,
        _rms_norm_forward,
        _rms_norm_backward,
        _relu_forward,
        _relu_backward,
        _gelu_forward,
        _gelu_backward,
        _attention_forward,
        _attention_backward,
        _dropout_mask,
        _dropout_forward,
        _dropout_backward,
        _square_sum,
        _clip_step,
    )
}
