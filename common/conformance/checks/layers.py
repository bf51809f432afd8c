"""The layers: their outputs, gradients and running statistics, in training and in evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnz.numbers.rng import RNG
from nnz.recipes import ladder_shapes

from ..bounds import layers as bounded_layers
from ..bounds.compare import Measurement
from ..bounds.error_propagation import BoundPropagation, Propagation, WithError
from ..cases.ops import draw_tokens
from .backend_under_test import Array, BackendUnderTest, Wrong, compare_all
from .ops import CheckFunction

FEW = 5  # rounds: a layer uses the arithmetic of the ops, which are checked in many more
V, T, C, M = 11, 6, 5, 7
STEPS = 3  # of running statistics

Make = Callable[[Any, dict[str, Any]], Any]  # (nn, rng and dtype) -> a layer
Compare = Callable[[dict[str, Any], dict[str, WithError], str], list[Any]]  # (actual, expected, dtype)


def _deep(nn: Any, draw: dict[str, Any]) -> Any:
    inner = nn.Sequential(nn.Linear(M, M, bias=False, **draw), nn.BatchNorm1d(M, dtype=draw["dtype"]), nn.Tanh())
    return nn.Sequential(nn.Embedding(V, C, **draw), nn.Flatten(), nn.Linear(T * C, M, **draw), nn.Residual(inner))


ON_TWO_AND_THREE_AXES: dict[str, tuple[Make, ...]] = {
    "Linear": (
        lambda nn, draw: nn.Linear(C, M, **draw),
        lambda nn, draw: nn.Linear(C, M, bias=False, **draw),
        lambda nn, draw: nn.Linear(C, M, gain=5 / 3, **draw),
    ),
    "BatchNorm1d": (
        lambda nn, draw: nn.BatchNorm1d(C, dtype=draw["dtype"]),
        lambda nn, draw: nn.BatchNorm1d(C, eps=0.01, momentum=0.3, dtype=draw["dtype"]),
    ),
    "Tanh": (lambda nn, draw: nn.Tanh(),),
    "Residual": (
        lambda nn, draw: nn.Residual(nn.Tanh()),
        lambda nn, draw: nn.Residual(nn.Sequential(nn.Linear(C, C, **draw), nn.Tanh())),
    ),
}
OTHERS: dict[str, tuple[Make, tuple[tuple[int, ...], ...]]] = {
    "Embedding": ((lambda nn, draw: nn.Embedding(V, C, **draw),), ((T,),)),
    "Flatten": (tuple(lambda nn, draw, n=n: nn.Flatten(*n) for n in ((), (2,), (3,), (T,))), ((T, C),)),
    "Sequential": ((_deep,), ((T,),)),
}
LAYERS = {name: (makes, ((C,), (T, C))) for name, makes in ON_TWO_AND_THREE_AXES.items()} | OTHERS


def within_bounds(actual: dict[str, Any], expected: dict[str, WithError], dtype: str) -> list[Measurement]:
    """Compare each tensor with the expected value and its bound."""
    values, bounds = ({k: pair[i] for k, pair in expected.items()} for i in (0, 1))
    return compare_all(actual, values, bounds, dtype)


def layer_check(
    name: str, propagation: Callable[[str], Propagation] = BoundPropagation, compare: Compare = within_bounds
) -> CheckFunction:
    """The check of `nn.<name>`: each way to construct it, on each shape of a row that it takes, with a few batches."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Any]]:
        makes, rows = LAYERS[name]
        for _ in range(min(rounds, FEW)):
            for make in makes:
                for row in rows:
                    for actual, expected in _batches(backend, make, row, dtype, rng, propagation(dtype)):
                        yield compare(actual, expected, dtype)

    return check


def _batches(
    backend: BackendUnderTest,
    make: Make,
    row: tuple[int, ...],
    dtype: str,
    rng: np.random.Generator,
    propagation: Propagation,
) -> Iterator[tuple[dict[str, Any], dict[str, WithError]]]:
    """(actual, expected) of some batches in training, with constant weights, and of one in evaluation."""
    layer, shapes = make(_Layers(backend), {"rng": RNG(5), "dtype": dtype}), make(ladder_shapes, {"dtype": dtype})
    parameters = {k: (0.5 * rng.normal(size=shape)).astype(dtype) for k, shape in shapes.parameters.items()}
    buffers = {k: rng.uniform(0.5, 2, shape).astype(dtype) for k, shape in shapes.buffers.items()}
    backend.call(backend.find("load_parameters", layer), parameters)
    backend.call(backend.find("load_buffers", layer), buffers)
    for training in (True,) * STEPS + (False,):
        if not training:
            backend.call(backend.find("eval", layer))
        ids = row == (T,)
        B = int(rng.integers(19, 30))  # with only a few rows a batch norm cancels, and T2 does not apply
        x = draw_tokens(rng, (B, T), V) if ids else rng.normal(size=(B, *row)).astype(dtype)
        reference = make(bounded_layers, {"dtype": dtype}).load(parameters, buffers, propagation)
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
