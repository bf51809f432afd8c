"""The layers: what they give, their gradients and their running statistics, in training and in evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnz.numbers.rng import RNG
from nnz.recipes import ladder_shapes

from ..bounds.compare import Measurement
from ..cases.draws import draw_tokens
from . import error_bounds_layers as shadow_layers
from .backend_under_test import Array, Subject, Wrong
from .error_walks import BoundedWalk, Pair, Walk
from .measuring import measured
from .ops import Check

FEW = 5  # rounds: a layer has its arithmetic from the ops, which see many more
V, T, C, M = 11, 6, 5, 7
STEPS = 3  # of running statistics

Make = Callable[[Any, dict[str, Any]], Any]  # (nn, rng and dtype) -> a layer
Judge = Callable[[dict[str, Any], dict[str, Pair], str], list[Any]]  # what it gave, what was due, the dtype


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


def within_bounds(actual: dict[str, Any], due: dict[str, Pair], dtype: str) -> list[Measurement]:
    """Hold each tensor against the value that is due, within the bound beside it."""
    return measured(actual, {k: v for k, (v, _) in due.items()}, {k: e for k, (_, e) in due.items()}, dtype)


def layer_check(name: str, walk: Callable[[str], Walk] = BoundedWalk, judge: Judge = within_bounds) -> Check:
    """The check of `nn.<name>`: each way of making it, on each shape of a row that it takes, a few batches in turn."""

    def check(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Any]]:
        makes, rows = LAYERS[name]
        for _ in range(min(rounds, FEW)):
            for make in makes:
                for row in rows:
                    for actual, due in _walked(subject, make, row, dtype, rng, walk(dtype)):
                        yield judge(actual, due, dtype)

    return check


def _walked(
    subject: Subject, make: Make, row: tuple[int, ...], dtype: str, rng: np.random.Generator, walk: Walk
) -> Iterator[tuple[dict[str, Any], dict[str, Pair]]]:
    """Some steps of training, of which the weights stay as they are, and one of evaluation."""
    layer, shapes = make(_Asked(subject), {"rng": RNG(5), "dtype": dtype}), make(ladder_shapes, {"dtype": dtype})
    parameters = {k: (0.5 * rng.normal(size=shape)).astype(dtype) for k, shape in shapes.parameters.items()}
    buffers = {k: rng.uniform(0.5, 2, shape).astype(dtype) for k, shape in shapes.buffers.items()}
    subject.call(subject.find("load_parameters", layer), parameters)
    subject.call(subject.find("load_buffers", layer), buffers)
    for training in (True,) * STEPS + (False,):
        if not training:
            subject.call(subject.find("eval", layer))
        ids = row == (T,)
        B = int(rng.integers(19, 30))  # of a few rows alone, a batch norm cancels, and T2 has nothing to say
        x = draw_tokens(rng, (B, T), V) if ids else rng.normal(size=(B, *row)).astype(dtype)
        shadow = make(shadow_layers, {"dtype": dtype}).load(parameters, buffers, walk)
        yield _held(subject, layer, shadow if training else shadow.eval(), x, dtype, rng)
        buffers = {k: np.array(b) for k, b in subject.call(subject.find("buffers", layer)).items()}


def _held(
    subject: Subject, layer: Any, shadow: Any, x: Array, dtype: str, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Pair]]:
    """What one batch gives, forward and twice back, and what is due; x is overwritten in between."""
    y = shadow.forward(x, np.zeros(x.shape))
    dy = rng.normal(size=y[0].shape).astype(dtype)
    dx = shadow.backward(dy.astype(np.float64), np.zeros(dy.shape))
    given = x.copy()
    actual, pairs = {"y": subject.call(layer, given)}, {"y": y}
    given[...] = 0
    backward = subject.find("backward", layer)
    subject.call(backward, dy)
    back = subject.call(backward, dy)  # the second time counts, for the first may have spoilt what it needs
    if dx is not None:
        actual, pairs = actual | {"dx": back}, pairs | {"dx": dx}
    elif back is not None:
        raise Wrong("backward must return None where ids came in")
    actual |= {f"d{k}": g for k, g in subject.call(subject.find("gradients", layer)).items()}
    pairs |= {f"d{k}": pair for k, pair in shadow.found("gradients").items()}
    actual |= subject.call(subject.find("buffers", layer))
    pairs |= shadow.found("buffers")
    if left_out := sorted(set(pairs) - set(actual)):
        raise Wrong(f"it left out {left_out[0]}")
    return actual, pairs


class _Asked(SimpleNamespace):
    """The subject's layers by name, each made through `Subject.call`."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(**{name: self._made(subject, name) for name in LAYERS})

    @staticmethod
    def _made(subject: Subject, name: str) -> Callable[..., Any]:
        return lambda *values, **settings: subject.call(subject.find(name), *values, **settings)
