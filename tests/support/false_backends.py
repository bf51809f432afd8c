"""Backends that have everything the interface names and compute nothing: no check may pass any of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from nnz.backend import spec
from nnz.backend.model import MLPBase
from nnz.conformance.checks.layers import LAYERS
from nnz.recipes import ladder_shapes

Fill = Callable[[tuple[int, ...], Any], np.ndarray]  # (shape, what came in) -> what goes out


def constant(value: float) -> Fill:
    return lambda shape, given: np.full(shape, value, given.dtype)


def its_input(shape: tuple[int, ...], given: np.ndarray) -> np.ndarray:
    """What came in, cut or repeated to the shape asked for."""
    return np.resize(given, shape)


def raises(shape: tuple[int, ...], given: np.ndarray) -> np.ndarray:
    raise ZeroDivisionError("this backend computes nothing")


def leaves(shape: tuple[int, ...], given: np.ndarray) -> np.ndarray:
    raise SystemExit(0)


def wrong_shape(shape: tuple[int, ...], given: np.ndarray) -> np.ndarray:
    return np.ones((*shape, 2), given.dtype)


def other_dtype(shape: tuple[int, ...], given: np.ndarray) -> np.ndarray:
    return np.ones(shape, np.float16)


FILLS: dict[str, Fill] = {
    "zeros": constant(0.0),
    "ones": constant(1.0),
    "NaN": constant(np.nan),
    "infinity": constant(np.inf),
    "its input": its_input,
    "the wrong shape": wrong_shape,
    "another dtype": other_dtype,
    "an exception": raises,
    "an exit with 0": leaves,
}


def backend(fill: Fill) -> ModuleType:
    """A module with real parameters, whose arithmetic is `fill`."""
    module = ModuleType("false_backend")
    module.ops = ModuleType("false_backend.ops")
    for function in spec.MLP_FUNCTIONS.values():
        setattr(module.ops, function.name, _op(function, fill))
    module.MLP = type("MLP", (_MLP,), {"fill": staticmethod(fill)})
    module.SGD = module.AdamW = _Optimizer
    for name in LAYERS:
        setattr(module, name, partial(_Layer, name, fill))
    return module


def _op(function: spec.Function, fill: Fill) -> Callable:
    def call(*values: Any) -> Any:
        given = dict(zip(function.python_arguments, values, strict=True))
        shapes = {name: np.shape(value) for name, value in given.items() if isinstance(value, np.ndarray)}
        sizes = {}
        for name, shape in function.inputs.items():
            sizes |= dict(zip(shape.strip("()").split(","), shapes.get(name, ()), strict=False))
        sizes |= {name: given[name] for name in function.arguments}
        first = next(v for v in given.values() if isinstance(v, np.ndarray) and v.dtype.kind == "f")
        outputs = [
            fill(first.shape if shape == "(...)" else tuple(sizes[s] for s in shape.strip("()").split(",") if s), first)
            for shape in function.outputs.values()
        ]
        return None if not outputs else outputs[0] if len(outputs) == 1 else tuple(outputs)

    return call


class _MLP(MLPBase):
    fill: Fill

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple:
        self.inputs = inputs
        logits = self.fill((len(inputs), self.sizes.V), self._p["wte"])
        return logits, None if targets is None else self.fill((), self._p["wte"])

    def backward(self) -> dict[str, np.ndarray]:
        return {name: self.fill(p.shape, p) for name, p in self._p.items()}

    def _tensors(self) -> dict[str, np.ndarray]:
        (V, T, E, H), B = self.sizes, len(self.inputs)
        shapes = {"emb": (B, T, E), "h_pre": (B, H), "h": (B, H), "logits": (B, V), "probs": (B, V)}
        shapes |= {"dlogits": (B, V), "dh": (B, H), "dh_pre": (B, H), "demb": (B, T, E)}
        return {name: self.fill(shape, self._p["wte"]) for name, shape in shapes.items()}


class _Layer:
    """The right names and shapes, from nnz.recipes.ladder_shapes; what it gives has the shape of what it took."""

    def __init__(self, name: str, fill: Fill, *values: Any, dtype: str = "float32", **settings: Any) -> None:
        inner = [v.shapes if isinstance(v, _Layer) else v for v in values]
        self.shapes = getattr(ladder_shapes, name)(*inner, **{k: v for k, v in settings.items() if k != "rng"})
        self.fill, self.dtype = fill, dtype

    def load_parameters(self, arrays: dict) -> None:
        self.p = arrays

    def parameters(self) -> dict[str, np.ndarray]:
        zeros = {k: np.zeros(shape, self.dtype) for k, shape in self.shapes.parameters.items()}
        return {k: self.fill(zero.shape, zero) for k, zero in zeros.items()}

    def load_buffers(self, arrays: dict) -> None:
        self.b = arrays

    def eval(self) -> None:
        pass

    def buffers(self) -> dict[str, np.ndarray]:
        return {k: self.fill(b.shape, b) for k, b in self.b.items()}

    def gradients(self) -> dict[str, np.ndarray]:
        return {k: self.fill(p.shape, p) for k, p in self.p.items()}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.fill(x.shape, x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.fill(dy.shape, dy)


class _Optimizer:
    def __init__(self, parameters: dict, lr: float, weight_decay: float) -> None:
        self.lr = lr

    def step(self, grads: dict) -> None:
        pass
