"""What any layer is: a function with named parameters and buffers, in one of two modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..numbers import precisions
from . import checks, layer_checks

Array = np.ndarray


class Layer:
    """y = layer(x); `self._p` holds its parameters, `self._b` its buffers: what training keeps and no gradient changes.

    It starts in training mode, as torch's do. A backend says how it computes `forward(x)`.
    """

    parameter = staticmethod(np.asarray)  # how the backend holds each of the two, hands one out and fills one
    buffer = staticmethod(np.asarray)
    as_array = staticmethod(np.asarray)
    copy_into = staticmethod(np.copyto)

    def __init__(
        self, children: Mapping[str, Layer] | None = None, dtype: str | None = None, precision: str = precisions.NATIVE
    ) -> None:
        self.training, self.dtype = True, dtype
        self.precision = precisions.checked(precision, dtype or "float32")
        self._p: dict[str, Any] = {}
        self._b: dict[str, Any] = {}
        self._d: dict[str, Any] = {}  # the gradient of each parameter, of the last backward
        self._children = dict(children or {})

    def parameters(self) -> dict[str, Array]:
        """The weights by name, in the order in which they were drawn. They are the layer's own: writing trains it."""
        return {name: self.as_array(p) for name, p in self._named("_p").items()}

    def buffers(self) -> dict[str, Array]:
        """The running statistics by name, the layer's own too; none but BatchNorm1d has any."""
        return {name: self.as_array(b) for name, b in self._named("_b").items()}

    def load_parameters(self, arrays: Mapping[str, Array]) -> None:
        """Overwrite the weights, rounding to their dtype. Raises ValueError if a name or shape does not fit."""
        self._load("parameters", arrays, self._named("_p"))

    def load_buffers(self, arrays: Mapping[str, Array]) -> None:
        """Overwrite the running statistics. Raises ValueError if a name or shape does not fit."""
        self._load("buffers", arrays, self._named("_b"))

    def train(self, mode: bool = True) -> Layer:
        """Normalise by the batch's own statistics from now on, and keep running ones; returns the layer."""
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Layer:
        """Normalise by the running statistics from now on, so that no row depends on another; returns the layer."""
        return self.train(False)

    def to(self, device: str) -> Layer:
        """Compute on `device` from now on; returns the layer. Raises ValueError unless the backend has it here."""
        checks.available_device(device, ("cpu",))
        return self

    def accepted(self, x: Array) -> Array:
        """Return x. Raises TypeError or ValueError unless it is an array that the layer can take."""
        layer_checks.array("x", x, dtype=self.dtype)
        return x

    def children(self) -> tuple[Layer, ...]:
        """The layers that this one is made of, itself not among them, nor their own."""
        return tuple(self._children.values())

    def _named(self, kind: str) -> dict[str, Any]:
        named = dict(getattr(self, kind))
        for prefix, child in self._children.items():
            named |= {f"{prefix}.{name}": array for name, array in child._named(kind).items()}
        return named

    def _load(self, what: str, arrays: Mapping[str, Array], own: dict[str, Any]) -> None:
        checks.named_arrays(what, arrays, {name: tuple(array.shape) for name, array in own.items()})
        for name, array in own.items():
            self.copy_into(array, arrays[name])
