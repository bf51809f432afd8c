"""Arguments for each operation on which a wrong implementation cannot look right.

Every size differs from the others, so a transposed array does not fit; tokens repeat; numbers of both signs and of many
magnitudes occur; sums are longer than a kernel's block.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .gpt_ops import GPT_CASES
from .shapes import sizes_from

Array = np.ndarray
Case = dict[str, Any]

MANY = (97, 101)  # more numbers than a buffer of 8,192 holds, and not a multiple of a vector lane
LONG_SUM = 321  # more terms than a kernel adds at a time

# exp overflows beyond 88.7 in float32 and 709.8 in float64.
OVERFLOWING_LOGIT = {np.dtype(np.float32): 100.0, np.dtype(np.float64): 800.0}

ROWS, CONTEXTS, WIDTHS = (2, 3, 5, 7, 12, 19, 31), (2, 3, 4, 5), (3, 5, 6, 8, 11, 13)
HIDDENS, VOCABULARIES = (7, 10, 17, 23, 37, 53), (5, 9, 14, 27, 29, 41)


def op_cases(op_name: str, rng: np.random.Generator, dtype: DTypeLike) -> list[Case]:
    """Arguments by name for one function of oracle.OUTPUTS, arrays in dtype; a few different cases."""
    if op_name not in OP_CASES | GPT_CASES:
        raise ValueError(f"no cases for {op_name!r}; there are cases for each of {', '.join(OP_CASES | GPT_CASES)}")

    def rounded(value: Any) -> Any:
        return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    sizes = draw_sizes(rng)
    if op_name in GPT_CASES:
        made = GPT_CASES[op_name](rng, sizes)
    else:
        made = OP_CASES[op_name](rng, sizes, OVERFLOWING_LOGIT[np.dtype(dtype)])
    return [{name: rounded(value) for name, value in case.items()} for case in made]


def draw_sizes(rng: np.random.Generator) -> dict[str, int]:
    """All of B, T, E, H, V and T*E different."""
    rng = sizes_from(rng)
    while True:
        B, T, E, H, V = (int(rng.choice(pool)) for pool in (ROWS, CONTEXTS, WIDTHS, HIDDENS, VOCABULARIES))
        if len({B, T, E, H, V, T * E}) == 6:
            return {"B": B, "T": T, "E": E, "H": H, "V": V}


def draw_tokens(rng: np.random.Generator, shape: tuple[int, ...], V: int) -> Array:
    """Token ids: the largest id first, one id that repeats, and never all the same."""
    ids = rng.integers(0, V, shape)
    ids.flat[0] = V - 1
    ids.flat[1] = 0
    ids.flat[2:4] = V - 1
    return ids


def _embedding_forward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    return [{"wte": rng.normal(size=(n["V"], n["E"])), "ids": draw_tokens(rng, (n["B"], n["T"]), n["V"])}]


def _embedding_backward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    ids = draw_tokens(rng, (n["B"], n["T"]), n["V"])
    return [{"demb": rng.normal(size=(*ids.shape, n["E"])), "ids": ids, "V": n["V"]}]


def _linear_forward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    x, w = rng.normal(size=(min(n["B"], 12), n["T"], n["E"])), rng.normal(size=(n["H"], n["E"]))
    b = rng.normal(size=n["H"])
    long_x, long_w = rng.normal(size=(3, LONG_SUM)), rng.normal(size=(n["H"], LONG_SUM))
    few_rows = [{"x": x[:1, 0], "w": w, "b": None}, {"x": long_x, "w": long_w, "b": b}]
    return [{"x": x[:, 0], "w": w, "b": b}, {"x": x, "w": w, "b": b}, *few_rows]


def _linear_backward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    cases = []
    for c in _linear_forward(rng, n, large):
        dy = rng.normal(size=(*c["x"].shape[:-1], n["H"]))
        dy[-1:] += c["w"][:, 0]  # one entry of dx is a sum of squares: if all were to cancel, T2 would not apply
        cases.append({"dy": dy, "x": c["x"], "w": c["w"]})
    return cases


def _tanh_forward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    spread = 10.0 ** rng.uniform(-6, 1.5, (n["B"], n["H"]))  # from y = x to y = 1
    many = 3 * rng.normal(size=MANY)
    many.flat[[0, 1, -2, -1]] = 50, -1e3, -50, 1e3  # y = +-1, where exp(x) or exp(2x) overflows
    small = rng.normal(size=(n["B"], n["T"], n["E"]))
    return [{"x": rng.choice([-1.0, 1.0], spread.shape) * spread}, {"x": small}, {"x": many}]


def _tanh_backward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    return [{"dy": rng.normal(size=c["x"].shape), "y": np.tanh(c["x"])} for c in _tanh_forward(rng, n, large)]


def _cross_entropy_forward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    logits, targets = 3 * rng.normal(size=(n["B"], n["V"])), draw_tokens(rng, (n["B"],), n["V"])
    shifted = logits.copy()
    shifted[0] += large  # overflows unless the maximum is subtracted
    shifted[1] -= 2 * large  # and here every exponential would be zero
    return [{"logits": logits, "targets": targets}, {"logits": shifted, "targets": targets}]


def _cross_entropy_backward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    exps = np.exp(2 * rng.normal(size=(n["B"], n["V"])))
    return [{"probs": exps / exps.sum(axis=1, keepdims=True), "targets": draw_tokens(rng, (n["B"],), n["V"])}]


def _batch_norm_forward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    C = n["H"]
    per_channel = {"weight": rng.normal(1, 0.5, C), "bias": rng.normal(size=C), "running_mean": rng.normal(size=C)}
    per_channel["running_var"] = rng.uniform(0.5, 2, C)
    # Enough rows: with two, xhat is always +-1 and dx is nothing but rounding.
    x = rng.normal(rng.normal(size=C), rng.uniform(0.5, 3, C), (min(n["B"], 12) + 9, n["T"], C))
    others = {"momentum": 0.3, "eps": 0.01}  # so that an ignored setting shows
    settings = ((x[:, 0], True, {"momentum": 0.1, "eps": 1e-5}), (x, True, others), (x[:, 1], True, others))
    settings += ((x[:1], False, others), (x[:1, 0], False, others))
    return [{"x": values, **per_channel, "training": flag, **rest} for values, flag, rest in settings]


def _batch_norm_backward(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    cases = []
    for forward in _batch_norm_forward(rng, n, large)[:2]:
        x, axes = forward["x"], tuple(range(forward["x"].ndim - 1))
        statistics = {"mean": x.mean(axes), "rstd": 1 / np.sqrt(x.var(axes) + 1e-5)}
        cases.append({"dy": rng.normal(size=x.shape), "x": x, **statistics, "weight": forward["weight"]})
    return cases


def _sgd_step(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    p, g = rng.normal(size=(2, n["H"], n["E"]))
    return [{"p": p, "g": g, "lr": 0.1, "weight_decay": decay} for decay in (0.0, 1e-4, 0.1)]


def _adamw_step(rng: np.random.Generator, n: dict[str, int], large: float) -> list[Case]:
    p, g, m = rng.normal(size=(3, n["H"], n["E"]))
    settings = {"lr": 7e-4, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    start = {"p": p, "g": g, "m": np.zeros_like(m), "v": np.zeros_like(m), "t": 1, **settings, "weight_decay": 0.1}
    later = {"m": 0.1 * m, "v": 0.01 * np.square(m) + 1e-4, "t": 7, "weight_decay": 1e-4}
    return [start, {**start, **later}]


OP_CASES: dict[str, Callable[[np.random.Generator, dict[str, int], float], list[Case]]] = {
    maker.__name__.removeprefix("_"): maker
    for maker in (
        _embedding_forward,
        _embedding_backward,
        _linear_forward,
        _linear_backward,
        _tanh_forward,
        _tanh_backward,
        _cross_entropy_forward,
        _cross_entropy_backward,
        _batch_norm_forward,
        _batch_norm_backward,
        _sgd_step,
        _adamw_step,
    )
}
