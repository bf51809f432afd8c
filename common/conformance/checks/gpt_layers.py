"""The layers that a GPT is made of, alone and one after the other, in training and in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnz.backend import initial
from nnz.numbers.rng import RNG

from ..bounds.gpt import with_limits
from ..oracle import gpt_layers as oracle
from .backend_under_test import Array, BackendUnderTest, Wrong, as_array, compare_all
from .ops import CheckFunction, Measured

FEW = 3  # rounds: a layer uses the arithmetic of the operations, which are checked in many more
CHANNELS, HEADS, STEPS = 24, 3, 3
SEED, SITE, LAYER_SEED = 2**40 + 5, 7, 5

Make = Callable[[Callable, dict[str, Any]], Any]  # (the layer of a name, rng and dtype) -> a layer


class Way(NamedTuple):
    """One way to construct a layer, the oracle's for a step of dropout, and the numbers of axes that it takes."""

    make: Make
    oracle: Callable[[int | None], oracle.Layer]
    axes: tuple[int, ...] = (2, 3)


def _alike(layer: oracle.Layer) -> Callable[[int | None], oracle.Layer]:
    return lambda step: layer


def _block(of: Callable, draw: dict[str, Any]) -> Any:
    dtype = {"dtype": draw["dtype"]}
    look = of("Sequential")(of("LayerNorm")(CHANNELS, **dtype), of("CausalSelfAttention")(CHANNELS, HEADS, **draw))
    think = of("Sequential")(
        of("RMSNorm")(CHANNELS, 0.1, **dtype), of("GELU")(), of("Dropout")(0.3, SEED, SITE), of("ReLU")()
    )
    return of("Sequential")(of("Residual")(look), of("Residual")(think))


def _oracle_block(step: int | None) -> oracle.Layer:
    look = oracle.sequential(oracle.layer_norm(1e-5), oracle.attention(HEADS))
    dropout = oracle.dropout(0.3, SEED, SITE, step)
    think = oracle.sequential(oracle.rms_norm(0.1), oracle.gelu, dropout, oracle.relu)
    return oracle.sequential(oracle.residual(look), oracle.residual(think))


WAYS: dict[str, tuple[Way, ...]] = {
    "LayerNorm": (
        Way(lambda of, draw: of("LayerNorm")(CHANNELS, dtype=draw["dtype"]), _alike(oracle.layer_norm(1e-5))),
        Way(lambda of, draw: of("LayerNorm")(CHANNELS, eps=0.5, dtype=draw["dtype"]), _alike(oracle.layer_norm(0.5))),
    ),
    "RMSNorm": (
        Way(lambda of, draw: of("RMSNorm")(CHANNELS, eps=0.5, dtype=draw["dtype"]), _alike(oracle.rms_norm(0.5))),
        Way(lambda of, draw: of("RMSNorm")(CHANNELS, 1e-5, False, dtype=draw["dtype"]), _alike(oracle.rms_norm(1e-5))),
    ),
    "ReLU": (Way(lambda of, draw: of("ReLU")(), _alike(oracle.relu)),),
    "GELU": (Way(lambda of, draw: of("GELU")(), _alike(oracle.gelu)),),
    "Dropout": (
        Way(lambda of, draw: of("Dropout")(0.3, SEED, SITE), lambda step: oracle.dropout(0.3, SEED, SITE, step)),
        Way(lambda of, draw: of("Dropout")(), lambda step: oracle.dropout(0.5, 1337, 0, step)),
        Way(lambda of, draw: of("Dropout")(0.0), lambda step: oracle.dropout(0.0, 1337, 0, None)),
    ),
    "CausalSelfAttention": (
        Way(lambda of, draw: of("CausalSelfAttention")(CHANNELS, HEADS, **draw), _alike(oracle.attention(HEADS)), (3,)),
        Way(
            lambda of, draw: of("CausalSelfAttention")(CHANNELS, 1, bias=False, **draw),
            _alike(oracle.attention(1)),
            (3,),
        ),
    ),
    "in nn.Sequential": (Way(_block, _oracle_block, (3,)),),
}


def layer_check(name: str) -> CheckFunction:
    """The check of `nn.<name>`: each way to construct it, a few batches in training, and one in evaluation."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
        for _ in range(min(rounds, FEW)):
            for way in WAYS[name]:
                for axes in way.axes:
                    yield from _batches(backend, way, axes, dtype, rng)

    return check


def _batches(backend: BackendUnderTest, way: Way, axes: int, dtype: str, rng: np.random.Generator) -> Measured:
    def of(name: str) -> Callable[..., Any]:
        return lambda *values, **settings: backend.call(backend.find(name), *values, **settings)

    layer = way.make(of, {"rng": RNG(LAYER_SEED), "dtype": dtype})
    first = {k: np.array(as_array(k, p, dtype)) for k, p in backend.call(backend.find("parameters", layer)).items()}
    _drawn_by_the_seed(first, dtype)
    shapes = {k: p.shape for k, p in first.items()}
    weights = {k: rng.normal(len(shape) == 1, shape[-1] ** -0.5, shape).astype(dtype) for k, shape in shapes.items()}
    backend.call(backend.find("load_parameters", layer), weights)
    wide = {k: p.astype(np.float64) for k, p in weights.items()}
    for step in (*range(STEPS), None):
        if step is None:
            backend.call(backend.find("eval", layer))
        x, dy = (rng.normal(size=(*rng.integers(2, 7, axes - 1), CHANNELS)).astype(dtype) for _ in range(2))
        dy = np.resize(dy, x.shape)
        actual = _one_batch(backend, layer, x, dy)

        def compute(rounded: oracle.Rounded, x: Array = x, dy: Array = dy, step: int | None = step) -> oracle.Named:
            y, back = way.oracle(step)(wide, x.astype(np.float64), rounded)
            dx, d = back(dy.astype(np.float64))
            return {"y": y, "dx": dx, **{f"d{k}": g for k, g in d.items()}}

        expected, limits = with_limits(compute, dtype)
        if left_out := sorted(set(expected) - set(actual)):
            raise Wrong(f"it does not return {left_out[0]}")
        yield compare_all(actual, expected, limits, dtype, any_value=True)


def _drawn_by_the_seed(weights: dict[str, Array], dtype: str) -> None:
    """Raises Wrong unless each is, to the bit, as the layer starts: a linear's drawn in order, a norm's 1 and 0."""
    rng = RNG(LAYER_SEED)
    for name, array in weights.items():
        part, _, kind = name.rpartition(".")
        if array.ndim == 2:
            drawn = initial.linear(*array.shape, f"{part}.bias" in weights, rng, dtype)
            expected = drawn["weight"]
        else:
            expected = (
                drawn["bias"] if part.endswith(("qkv", "proj")) else np.full(array.shape, kind == "weight", dtype)
            )
        if array.tobytes() != expected.tobytes():
            raise Wrong(f"{name} differs from what the layer must start with, drawn by nnz.RNG({LAYER_SEED})")


def _one_batch(backend: BackendUnderTest, layer: Any, x: Array, dy: Array) -> dict[str, Any]:
    """One forward, then backward twice; x is overwritten after the forward."""
    given = x.copy()
    y = backend.call(layer, given)
    y = y.copy() if isinstance(y, np.ndarray) else y  # without dropout it may be x itself
    given[...] = 0
    backward = backend.find("backward", layer)
    backend.call(backward, dy)
    dx = backend.call(backward, dy)
    gradients = backend.call(backend.find("gradients", layer))
    return {"y": y, "dx": dx, **{f"d{k}": g for k, g in gradients.items()}}
