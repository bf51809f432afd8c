"""Arguments of any size, of any value and in any layout: what is right on small, ordinary arrays may be wrong there.

Sizes are log-uniform to 2,000, and one at a time far beyond; values reach from subnormal numbers to 1e30, with zeros of
both signs, infinities and NaN; arrays come in every order and stride that numpy can make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, permutations
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from . import wide_gpt
from .ops import Array, Case, draw_tokens
from .shapes import sizes_from

LARGEST, MOST_PRODUCTS, MOST_NUMBERS = 2_000, 2**24, 2**20
AXES = {
    "embedding": "VEBT",
    "linear": "BNM",
    "tanh": "BN",
    "cross_entropy": "BV",
    "batch_norm": "BC",
    "sgd": "n",
    "adamw": "n",
} | wide_gpt.AXES
FAR = 70_000  # beyond 16 bits
USUAL_BLOCKS = (64, 256, 1024)  # of kernels, whether they say so or not
LONG = 200

SHARE_OF_ZEROS = 0.1
SPECIAL = (np.nan, np.inf, -np.inf)
OVERFLOWS = 800.0  # a logit whose exp is infinite, in float64 too
EPSES = (1e-5, 0.01, 0.3)
NAN_ALONE = ("layer_norm_backward", "rms_norm_backward")  # inf - inf may come in between, or may not
WITHOUT_SPECIALS = {  # what IEEE 754 does not settle: 0 times NaN for an unseen key, the slope at NaN
    ("attention_forward", "qkv"),
    ("attention_forward", "mask"),
    *(("attention_backward", name) for name in ("dy", "qkv", "probs", "mask")),
    ("relu_backward", "y"),
    ("dropout_mask", "mask"),
}
SHARE_OF_REPEATS = 1 / 8  # of arrays of ids: one id everywhere


def op_of(function: str) -> str:
    """The op of a function of the spec: "linear_backward" is one of linear."""
    return function.removesuffix("_forward").removesuffix("_backward").removesuffix("_step")


def drawn_sizes(rng: np.random.Generator, function: str) -> dict[str, int]:
    """Every axis log-uniform from 1 to 2,000, drawn again while there is too much to compute."""
    rng = sizes_from(rng)
    while True:
        sizes = {axis: log_uniform(rng, LARGEST) for axis in AXES[op_of(function)]}
        if _fits(function, sizes):
            return sizes


def far_sizes(rng: np.random.Generator, function: str) -> Iterator[dict[str, int]]:
    """Each axis far beyond 16 bits in turn, the others so small that the oracle computes it soon."""
    rng = sizes_from(rng)
    for axis in AXES[op_of(function)]:
        others = {a: min(n, 17 if a == "B" else 4) for a, n in small_sizes(rng, function).items()}
        far = others | {axis: FAR + int(rng.integers(1_000))}
        if op_of(function) not in wide_gpt.AXES or _fits(function, far):
            yield far


def sizes_of_one(rng: np.random.Generator, function: str) -> Iterator[dict[str, int]]:
    """Each axis of 1 in turn, the others small; and all of them."""
    rng, axes = sizes_from(rng), AXES[op_of(function)]
    for ones in (*axes, axes):
        sizes = small_sizes(rng, function) | dict.fromkeys(ones, 1)
        if _fits(function, sizes):
            yield sizes


def sizes_around(rng: np.random.Generator, function: str, blocks: Iterable[int]) -> Iterator[dict[str, int]]:
    """Each axis at each block size, of this kernel and usual ones, one less and one more, the others small."""
    rng = sizes_from(rng)
    for axis in AXES[op_of(function)]:
        for size in sorted({block + by for block in (*USUAL_BLOCKS, *blocks) for by in (-1, 0, 1)}):
            sizes = small_sizes(rng, function) | {axis: size}
            if size > 0 and _fits(function, sizes):
                yield sizes


def long_pairs(rng: np.random.Generator, function: str) -> Iterator[dict[str, int]]:
    """Each axis as long as the largest usual block, next to another of several cache lines."""
    rng = sizes_from(rng)
    for axis, other in permutations(AXES[op_of(function)], 2):
        sizes = small_sizes(rng, function) | {axis: USUAL_BLOCKS[-1], other: LONG}
        if _fits(function, sizes):
            yield sizes


def some(rng: np.random.Generator, most: int, cases: Iterable[dict[str, int]]) -> list[dict[str, int]]:
    """At most so many of them, drawn, in their order."""
    every = list(cases)
    chosen = rng.choice(len(every), min(most, len(every)), replace=False) if every else ()
    return [every[i] for i in sorted(chosen)]


def case_of(rng: np.random.Generator, function: str, sizes: dict[str, int], dtype: DTypeLike) -> Case:
    """Ordinary numbers, of unit size, in arrays of these sizes."""
    return _rounded(_MAKERS[op_of(function)](rng, function, sizes, lambda *shape: rng.normal(size=shape)), dtype)


def extreme_case(rng: np.random.Generator, function: str, dtype: DTypeLike) -> Case:
    """Numbers of all magnitudes whose results do not overflow, zeros of both signs, settings that are exactly 0."""
    case = _MAKERS[op_of(function)](rng, function, small_sizes(rng, function), lambda *shape: rng.normal(size=shape))
    for name, value in case.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            case[name] = _extreme(rng, function, name, value)
    if function == "batch_norm_backward":
        case |= _statistics(rng, case["x"])
    if op_of(function) in wide_gpt.AXES:
        return _rounded(wide_gpt.consistent(rng, function, _rounded(case, dtype)), dtype)
    return _rounded(case | _extreme_settings(rng, function), dtype)


def special_case(rng: np.random.Generator, function: str, dtype: DTypeLike) -> Case:
    """Ordinary numbers, with a few NaNs and infinities in one of the arrays.

    In half of the cases what they are multiplied by is often exactly 0: the product is NaN.
    """
    case = case_of(rng, function, small_sizes(rng, function), dtype)
    names = [k for k, v in case.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f" and k not in ("v", "rstd")]
    names = [k for k in names if (function, k) not in WITHOUT_SPECIALS]
    if not names:
        return case
    chosen = str(rng.choice(names))
    if rng.random() < 0.5 and op_of(function) in ("linear", "tanh"):
        for name in {*names} - {chosen}:
            case[name].flat[::2] = 1.0 if name == "y" else 0.0  # the derivative is 0 where y is 1
    spoiled, kinds = case[chosen], int(rng.integers(1, 2 if function in NAN_ALONE else 4))
    if (function, chosen) == ("sgd_step", "p"):
        kinds = 1  # NaN alone: p - lr (g + decay p) is inf - inf where p is infinite, (1 - lr decay) p - lr g is not
    for value in SPECIAL[:kinds]:
        spoiled.flat[int(rng.integers(spoiled.size))] = value
    return case


def without_specials(case: Case) -> Case:
    """The case with 0 for each NaN and a large number for an infinity, to derive the bounds of what stays finite."""
    arrays = {k: v for k, v in case.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}
    large = {"y": 1.0, "probs": 1.0}  # the largest that they can be
    numbers = {k: (0.0, large.get(k, 1e4), 0.0 if k == "probs" else -large.get(k, 1e4)) for k in arrays}
    return case | {k: np.nan_to_num(v, True, *numbers[k]) for k, v in arrays.items()}


def in_layout(layout: str, array: Array) -> Array:
    """The same numbers in memory that lies otherwise: see LAYOUTS."""
    return LAYOUTS[layout](array)


def _strided(array: Array) -> Array:
    wide = np.repeat(array, 2, axis=-1)
    wide[..., 1::2] = array[..., ::-1]  # between them other numbers
    return wide[..., ::2]


def _reversed(array: Array) -> Array:
    every = (slice(None, None, -1),) * array.ndim
    return array[every].copy()[every]


def _unaligned(array: Array) -> Array:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    moved = np.ndarray(array.shape, array.dtype, memory.data, offset=1)
    moved[...] = array
    return moved


def _read_only(array: Array) -> Array:
    array = array.copy()
    array.setflags(write=False)
    return array


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "in Fortran's order": np.asfortranarray,
    "with a stride": _strided,
    "with negative strides": _reversed,
    "not aligned": _unaligned,
    "read-only": _read_only,
}


def repeated(case: Case, names: Iterable[str]) -> Case:
    """The case with the first row of each of these arrays instead of all its rows, by a stride of 0."""
    rows = {name: np.broadcast_to(case[name][:1], case[name].shape) for name in names if np.ndim(case[name]) > 1}
    return case | rows


def log_uniform(rng: np.random.Generator, largest: int) -> int:
    return int(np.exp(rng.uniform(0, np.log(largest + 1))))


def small_sizes(rng: np.random.Generator, function: str) -> dict[str, int]:
    """Axes of 2 to 20, of which rows are enough for a variance."""
    rng = sizes_from(rng)
    sizes = {axis: int(rng.integers(2, 20)) for axis in AXES[op_of(function)]}
    sizes |= {axis: int(rng.integers(9, 30)) for axis in "B" if axis in sizes}
    return wide_gpt.small(rng, op_of(function), sizes)


def _fits(function: str, sizes: dict[str, int]) -> bool:
    """Whether the oracle can compute it soon; batch norm in training needs two rows, an array of ids four numbers."""
    n = dict(sizes)
    if op_of(function) in wide_gpt.AXES and not wide_gpt.fits(op_of(function), n):
        return False
    products = n["B"] * n["N"] * n["M"] if "M" in n else n["B"] * n["T"] * n["V"] if "V" in n and "T" in n else 0
    numbers = max(*n.values(), *map(prod, combinations(n.values(), 2)), 0)
    numbers = max(numbers, n["B"] * n["T"] * n["E"]) if "T" in n and "E" in n else numbers
    rows_fit = n.get("B", 2) >= 2 if op_of(function) == "batch_norm" else True
    return products <= MOST_PRODUCTS and numbers <= MOST_NUMBERS and rows_fit and n.get("V", 2) >= 2


Normal = Callable[..., Array]


def _embedding(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    ids = _tokens(rng, (n["B"], n["T"]), n["V"])
    if function.endswith("backward"):
        return {"demb": normal(*ids.shape, n["E"]), "ids": ids, "V": n["V"]}
    return {"wte": normal(n["V"], n["E"]), "ids": ids}


def _linear(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    x, w = normal(n["B"], n["N"]), normal(n["M"], n["N"])
    if function.endswith("backward"):
        return {"dy": normal(n["B"], n["M"]), "x": x, "w": w}
    return {"x": x, "w": w, "b": None if rng.random() < 0.25 else normal(n["M"])}


def _tanh(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    x = normal(n["B"], n["N"])
    return {"dy": normal(*x.shape), "y": np.tanh(x)} if function.endswith("backward") else {"x": x}


def _cross_entropy(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    logits, targets = normal(n["B"], n["V"]), _tokens(rng, (n["B"],), n["V"])
    if not function.endswith("backward"):
        logits[0, (targets[0] + rng.integers(1, n["V"])) % n["V"]] += OVERFLOWS  # anywhere but at the target
        return {"logits": logits, "targets": targets}
    exps = np.exp(logits)
    return {"probs": exps / exps.sum(axis=1, keepdims=True), "targets": targets}


def _batch_norm(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    x, C = normal(n["B"], n["C"]) + normal(n["C"]), n["C"]
    if function.endswith("backward"):
        return {"dy": normal(*x.shape), "x": x, **_statistics(rng, x), "weight": normal(C)}
    running = {"running_mean": normal(C), "running_var": rng.uniform(0.5, 2, C)}
    settings = {"training": bool(rng.random() < 0.75), "momentum": 0.3, "eps": 0.01}
    return {"x": x, "weight": normal(C), "bias": normal(C), **running, **settings}


def _sgd(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    return {"p": normal(n["n"]), "g": normal(n["n"]), "lr": 0.1, "weight_decay": 0.1}


def _adamw(rng: np.random.Generator, function: str, n: dict[str, int], normal: Normal) -> Case:
    moments = {"m": 0.1 * normal(n["n"]), "v": 0.01 * np.square(normal(n["n"])) + 1e-4, "t": log_uniform(rng, 10**6)}
    settings = {"lr": 7e-4, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.1}
    return {"p": normal(n["n"]), "g": normal(n["n"]), **moments, **settings}


_MAKERS = {
    maker.__name__[1:]: maker for maker in (_embedding, _linear, _tanh, _cross_entropy, _batch_norm, _sgd, _adamw)
} | wide_gpt.MAKERS

# The powers of ten between which an argument lies; a product of two or a square must not overflow float32.
_POWERS = {
    "linear": (-30, 15),
    "adamw": (-15, 15),
    "batch_norm": (-8, 8),
    "cross_entropy": (-3, 4.2),  # more than 16,000 between two logits
}
_ANY_POWER = (-44, 30)  # subnormal in float32, to what leaves room for a sum


def _extreme(rng: np.random.Generator, function: str, name: str, array: Array) -> Array:
    """Numbers of all magnitudes that this argument may have, one in ten an exact zero; the sign stays."""
    if op_of(function) in wide_gpt.AXES:

        def of_powers(low: float, high: float) -> Array:
            drawn = np.copysign(10.0 ** rng.uniform(low, high, array.shape), array)
            return np.where(rng.random(array.shape) < SHARE_OF_ZEROS, np.copysign(0.0, array), drawn)

        return wide_gpt.extreme(rng, op_of(function), name, array, of_powers)
    low, high = _POWERS.get(op_of(function), _ANY_POWER)
    numbers = np.copysign(10.0 ** rng.uniform(low, high, array.shape), array)
    zeros = rng.random(array.shape) < SHARE_OF_ZEROS
    if op_of(function) == "batch_norm" and name in ("x", "dy"):  # one magnitude for each channel
        return 10.0 ** rng.uniform(low, high, array.shape[-1]) * array
    if name == "probs":
        return np.where(zeros, 0.0, np.minimum(np.abs(numbers), 1.0))
    if name == "y":  # of tanh
        return np.where(zeros, np.sign(array), np.tanh(numbers))
    if name == "v":
        return 10.0 ** rng.uniform(-25, 25, array.shape)
    if name == "running_var":
        return np.abs(numbers)
    return np.where(zeros, np.copysign(0.0, array), numbers)


def _extreme_settings(rng: np.random.Generator, function: str) -> dict[str, Any]:
    """Settings that a formula may have wrong where they are 0, 1 or large."""
    pools: dict[str, dict[str, tuple]] = {
        "sgd_step": {"lr": (0.0, 1e-20, 0.1, 10.0), "weight_decay": (0.0, 1e-4, 1.0)},
        "adamw_step": {
            "t": (1, 2, 10, 104, 2_001, 10**5, 10**6),
            "lr": (0.0, 1e-8, 7e-4, 1.0),
            "beta1": (0.0, 0.5, 0.9, 0.99),
            "beta2": (0.0, 0.9, 0.999, 0.9999),
            "eps": (0.0, 1e-12, 1e-8, 1e-3),
            "weight_decay": (0.0, 1e-4, 0.1, 1.0),
        },
        "batch_norm_forward": {"momentum": (0.0, 0.1, 1.0), "eps": (1e-12, 1e-5, 1.0)},
    }
    chosen = {name: pool[int(rng.integers(len(pool)))] for name, pool in pools.get(function, {}).items()}
    if function == "adamw_step" and rng.random() < 0.5:
        chosen["t"] = log_uniform(rng, 10**6)
    if chosen.get("beta2") == 0:  # v + (v' - v) may be off by as much as v: keep that out of 1 / v'
        chosen["eps"] = 1e-3
    return chosen


def _tokens(rng: np.random.Generator, shape: tuple[int, ...], V: int) -> Array:
    ids = draw_tokens(rng, shape, V) if prod(shape) >= 4 else rng.integers(0, V, shape)
    if rng.random() < SHARE_OF_REPEATS:
        ids[...] = rng.integers(V)
    return ids.astype(rng.choice(["int32", "int64"]))


def _statistics(rng: np.random.Generator, x: Array) -> dict[str, Array]:
    return {"mean": x.mean(axis=0), "rstd": 1 / np.sqrt(x.var(axis=0) + rng.choice(EPSES))}


def _rounded(case: Case, dtype: DTypeLike) -> Case:
    def rounded(value: Any) -> Any:
        return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    return {name: rounded(value) for name, value in case.items()}
