"""The layers: their outputs, gradients and running statistics, in training and in evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from nnz.backend import initial
from nnz.numbers.rng import RNG
from nnz.recipes import ladder_shapes

from ..bounds import layers as bounded_layers
from ..bounds.compare import Measurement
from ..bounds.error_propagation import BoundPropagation, Propagation, WithError
from ..cases.ops import draw_tokens
from ..cases.shapes import sizes_from
from ..cases.wide import LARGEST, log_uniform
from .backend_under_test import Array, BackendUnderTest, Wrong, as_array, compare_all
from .ops import CheckFunction, Measured

FEW = 5  # rounds: a layer uses the arithmetic of the ops, which are checked in many more
WIDEST, POSITIONS, MOST_ROWS = 700, 6, 30
STEPS = 3  # of running statistics
SEED = 2**40 + 5  # more than 32 bits


class Sizes(NamedTuple):
    """V tokens, T positions, C channels in, M out."""

    V: int
    T: int
    C: int
    M: int


SMALL = Sizes(11, POSITIONS, 5, 7)

Make = Callable[[Any, dict[str, Any], Sizes], Any]  # (nn, rng and dtype, sizes) -> a layer
Compare = Callable[[dict[str, Any], dict[str, WithError], str, float], list[Any]]  # (actual, expected, dtype, terms)


def _deep(nn: Any, draw: dict[str, Any], n: Sizes) -> Any:
    M = max(n.M, 2)  # batch norm takes all of a single weight's size away, and leaves it no gradient
    inner = nn.Sequential(nn.Linear(M, M, bias=False, **draw), nn.BatchNorm1d(M, dtype=draw["dtype"]), nn.Tanh())
    outer = nn.Embedding(n.V, n.C, **draw), nn.Flatten(), nn.Linear(n.T * n.C, M, **draw)
    return nn.Sequential(*outer, nn.Residual(inner))


ON_TWO_AND_THREE_AXES: dict[str, tuple[Make, ...]] = {
    "Linear": (
        lambda nn, draw, n: nn.Linear(n.C, n.M, **draw),
        lambda nn, draw, n: nn.Linear(n.C, n.M, bias=False, **draw),
        lambda nn, draw, n: nn.Linear(n.C, n.M, gain=5 / 3, **draw),
    ),
    "BatchNorm1d": (
        lambda nn, draw, n: nn.BatchNorm1d(n.C, dtype=draw["dtype"]),
        lambda nn, draw, n: nn.BatchNorm1d(n.C, eps=0.01, momentum=0.3, dtype=draw["dtype"]),
    ),
    "Tanh": (lambda nn, draw, n: nn.Tanh(),),
    "Residual": (
        lambda nn, draw, n: nn.Residual(nn.Tanh()),
        lambda nn, draw, n: nn.Residual(nn.Sequential(nn.Linear(n.C, n.C, **draw), nn.Tanh())),
    ),
}
OTHERS: dict[str, tuple[Make, ...]] = {
    "Embedding": (lambda nn, draw, n: nn.Embedding(n.V, n.C, **draw),),
    "Flatten": tuple(lambda nn, draw, n, by=by: nn.Flatten(*by) for by in ((), (2,), (3,), (POSITIONS,))),
    "Sequential": (_deep,),
}
LAYERS: dict[str, tuple[Make, ...]] = ON_TWO_AND_THREE_AXES | OTHERS


def _rows(name: str, n: Sizes) -> tuple[tuple[int, ...], ...]:
    """The shapes of a row that a layer takes."""
    if name in ON_TWO_AND_THREE_AXES:
        return (n.C,), (n.T, n.C)
    return ((n.T, n.C),) if name == "Flatten" else ((n.T,),)


def _terms(n: Sizes) -> float:
    """Of the longest sum in a layer of these sizes."""
    return float(max(n.T * n.C, n.M, n.V, MOST_ROWS * n.T))


def within_bounds(
    actual: dict[str, Any], expected: dict[str, WithError], dtype: str, terms: float
) -> list[Measurement]:
    """Compare each tensor with the expected value and its bound; T2 allows for sums of so many `terms`."""
    values, bounds = ({k: pair[i] for k, pair in expected.items()} for i in (0, 1))
    return compare_all(actual, values, bounds, dtype, dict.fromkeys(expected, terms))


def layer_check(
    name: str, propagation: Callable[[str], Propagation] = BoundPropagation, compare: Compare = within_bounds
) -> CheckFunction:
    """The check of `nn.<name>`: each way to construct it, on each shape of a row that it takes, with a few batches."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Any]]:
        for _ in range(min(rounds, FEW)):
            for make in LAYERS[name]:
                for row in _rows(name, SMALL):
                    for actual, expected in _batches(backend, make, row, SMALL, dtype, rng, propagation(dtype)):
                        yield compare(actual, expected, dtype, _terms(SMALL))

    return check


def any_size(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Every layer, of sizes to 700; with few rounds not every way to construct it."""
    for name, makes in LAYERS.items():
        for i in sorted(rng.permutation(len(makes))[:rounds]):
            make, sizes = makes[i], sizes_from(rng)
            V, C, M = 1 + log_uniform(sizes, WIDEST), int(sizes.integers(65, WIDEST)), log_uniform(sizes, WIDEST)
            n = Sizes(V, POSITIONS, C, M)
            for row in _rows(name, n):
                for actual, expected in _batches(backend, make, row, n, dtype, rng, BoundPropagation(dtype)):
                    found = within_bounds(actual, expected, dtype, _terms(n))
                    yield [replace(m, name=f"{name}: {m.name}") for m in found]


def from_the_seed(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The weights that nnz.RNG draws for a layer, to the bit; of more inputs than a batch has."""
    for makes in LAYERS.values():
        for make in makes:
            for n in (SMALL, SMALL._replace(C=WIDEST + log_uniform(sizes_from(rng), LARGEST))):
                layer = make(_Layers(backend), {"rng": RNG(SEED), "dtype": dtype}, n)
                drawn = make(_Drawn(), {"rng": RNG(SEED), "dtype": dtype}, n)
                found = backend.call(backend.find("parameters", layer)) if drawn else {}
                for name, expected in drawn.items():
                    if np.array(as_array(name, found[name], dtype)).tobytes() != expected.tobytes():
                        raise Wrong(f"{name} of {type(layer).__name__} differs from what nnz.RNG({SEED}) draws for it")
                exact = {k: np.zeros(a.shape) for k, a in drawn.items()}
                yield compare_all({k: found[k] for k in drawn}, drawn, exact, dtype, any_value=True)


def _batches(
    backend: BackendUnderTest,
    make: Make,
    row: tuple[int, ...],
    n: Sizes,
    dtype: str,
    rng: np.random.Generator,
    propagation: Propagation,
) -> Iterator[tuple[dict[str, Any], dict[str, WithError]]]:
    """(actual, expected) of some batches in training, with constant weights, and of one in evaluation."""
    layer, shapes = make(_Layers(backend), {"rng": RNG(5), "dtype": dtype}, n), make(ladder_shapes, {"dtype": dtype}, n)
    parameters = {k: (0.5 * rng.normal(size=shape)).astype(dtype) for k, shape in shapes.parameters.items()}
    buffers = {k: rng.uniform(0.5, 2, shape).astype(dtype) for k, shape in shapes.buffers.items()}
    backend.call(backend.find("load_parameters", layer), parameters)
    backend.call(backend.find("load_buffers", layer), buffers)
    for training in (True,) * STEPS + (False,):
        if not training:
            backend.call(backend.find("eval", layer))
        ids = row == (n.T,)
        # With only a few rows a batch norm cancels, and T2 does not apply.
        B = int(sizes_from(rng).integers(19, MOST_ROWS))
        x = draw_tokens(rng, (B, n.T), n.V) if ids else rng.normal(size=(B, *row)).astype(dtype)
        reference = make(bounded_layers, {"dtype": dtype}, n).load(parameters, buffers, propagation)
        yield _one_batch(backend, layer, reference if training else reference.eval(), x, dtype, rng)
        buffers = {k: np.array(b) for k, b in backend.call(backend.find("buffers", layer)).items()}


def _one_batch(
    backend: BackendUnderTest, layer: Any, reference: Any, x: Array, dtype: str, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, WithError]]:
    """One forward, then backward twice; x is overwritten after the forward. -> (actual, expected)"""
    y = reference.forward(x, np.zeros(x.shape))
    dy = rng.normal(size=y[0].shape).astype(dtype)
    dx = reference.backward(dy.astype(np.float64), np.zeros(dy.shape))
    given = x.copy()
    actual, expected = {"y": backend.call(layer, given)}, {"y": y}
    given[...] = 0
    backward = backend.find("backward", layer)
    backend.call(backward, dy)
    back = backend.call(backward, dy)  # the second result counts: the first call may have changed the layer
    if dx is not None:
        actual, expected = actual | {"dx": back}, expected | {"dx": dx}
    elif back is not None:
        raise Wrong("backward must return None where ids came in")
    actual |= {f"d{k}": g for k, g in backend.call(backend.find("gradients", layer)).items()}
    expected |= {f"d{k}": pair for k, pair in reference.found("gradients").items()}
    actual |= backend.call(backend.find("buffers", layer))
    expected |= reference.found("buffers")
    if left_out := sorted(set(expected) - set(actual)):
        raise Wrong(f"it does not return {left_out[0]}")
    return actual, expected


class _Layers(SimpleNamespace):
    """The backend's layers by name, each constructed through `BackendUnderTest.call`."""

    def __init__(self, backend: BackendUnderTest) -> None:
        super().__init__(**{name: self._made(backend, name) for name in LAYERS})

    @staticmethod
    def _made(backend: BackendUnderTest, name: str) -> Callable[..., Any]:
        return lambda *values, **settings: backend.call(backend.find(name), *values, **settings)


class _Drawn:
    """The layers as what is drawn for them alone: arrays by name."""

    Tanh = Flatten = staticmethod(lambda *settings: {})
    Residual = staticmethod(lambda layer: {f"layer.{k}": a for k, a in layer.items()})

    @staticmethod
    def Embedding(V: int, C: int, rng: RNG, dtype: str) -> dict[str, Array]:
        return {"weight": rng.normal((V, C), dtype)}

    @staticmethod
    def Linear(
        N: int, M: int, bias: bool = True, rng: RNG | None = None, dtype: str = "float32", gain: float | None = None
    ) -> dict[str, Array]:
        return initial.linear(M, N, bias, rng, dtype, gain)

    @staticmethod
    def BatchNorm1d(C: int, dtype: str, **settings: float) -> dict[str, Array]:
        return {"weight": np.ones(C, dtype), "bias": np.zeros(C, dtype)}

    @staticmethod
    def Sequential(*layers: dict[str, Array]) -> dict[str, Array]:
        return {f"{i}.{k}": a for i, layer in enumerate(layers) for k, a in layer.items()}
