"""What any layer is: a function with named parameters and buffers, in one of two modes, and its way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..numbers import precisions
from . import checks
from .described import described

Array = np.ndarray


class Layer:
    """y = layer(x), then dx = layer.backward(dy), then layer.gradients().

    `self._p` holds its parameters, `self._b` its buffers: what training keeps and no gradient changes. It starts in
    training mode, as torch's do. A layer writes `forward`, which keeps what `_backward` needs, and `_backward`, which
    sets `self._d`, the gradient of each parameter.
    """

    ops_by_precision: Mapping[str, Any]  # the operations that the backend computes with
    dtype: Any  # None where a layer takes both
    # How the backend holds each of the two, hands one out and fills one
    parameter: Callable[..., Any] = staticmethod(np.asarray)
    buffer = staticmethod(np.asarray)
    as_array = staticmethod(np.asarray)
    copy_into = staticmethod(np.copyto)
    empty_like = staticmethod(np.empty_like)

    def __init__(
        self, children: Mapping[str, Layer] | None = None, dtype: str | None = None, precision: str = precisions.NATIVE
    ) -> None:
        self.training, self.dtype = True, dtype
        self.precision = precisions.checked(precision, dtype or "float32")
        self._p: dict[str, Any] = {}
        self._b: dict[str, Any] = {}
        self._d: dict[str, Any] = {}  # the gradient of each parameter, of the last backward
        self._y: Any = None  # what the last forward gave
        self._children = dict(children or {})

    @property
    def ops(self) -> Any:
        """The operations of the layer's own precision."""
        return self.ops_by_precision[self.precision]

    def __repr__(self) -> str:
        return described(self)

    def __call__(self, x: Array) -> Array:
        """Return y. Raises TypeError or ValueError for an x that the layer cannot take; a copy of it is kept."""
        self._y = self.forward(np.array(self.accepted(x), order="C"))
        return self._y

    def forward(self, x: Array) -> Array:
        """Return y, and keep what `_backward` needs."""
        raise NotImplementedError

    def _backward(self, dy: Array) -> Any:
        """Return dx, None where x holds token ids, and set `self._d`."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array | None:
        """Return dx, None where x holds token ids; may be called again.

        Raises RuntimeError before a forward, TypeError or ValueError unless dy has the dtype and the shape of y.
        """
        self.check_gradient(dy)
        return self._backward(np.asarray(dy))

    def gradients(self) -> dict[str, Array]:
        """The gradient of each parameter, by its name, of the last backward."""
        return self._named("_d")

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
        check_array("x", x, dtype=self.dtype)
        return x

    def check_gradient(self, dy: Array) -> None:
        """Raises RuntimeError before a forward, TypeError or ValueError unless dy has the dtype and the shape of y."""
        if self._y is None:
            raise RuntimeError("backward needs a forward first: call layer(x)")
        check_array("dy", dy, dtype=str(self._y.dtype).removeprefix("torch."))
        if tuple(dy.shape) != tuple(self._y.shape):
            shape = tuple(self._y.shape)
            raise ValueError(f"dy must have the shape {shape} of what the forward gave; got {tuple(dy.shape)}")

    def children(self) -> tuple[Layer, ...]:
        """The layers that this one is made of, itself not among them, nor their own."""
        return tuple(self._children.values())

    def modules(self) -> Iterator[Layer]:
        """This layer and all those inside it, in the order of the forward."""
        yield self
        for child in self._children.values():
            yield from child.modules()

    def _named(self, kind: str) -> dict[str, Any]:
        named = dict(getattr(self, kind))
        for prefix, child in self._children.items():
            named |= {f"{prefix}.{name}": array for name, array in child._named(kind).items()}
        return named

    def _load(self, what: str, arrays: Mapping[str, Array], own: dict[str, Any]) -> None:
        checks.named_arrays(what, arrays, {name: tuple(array.shape) for name, array in own.items()})
        for name, array in own.items():
            self.copy_into(array, arrays[name])


def check_array(
    name: str, x: object, axes: tuple[int, ...] = (), last: int | None = None, dtype: str | None = None
) -> None:
    """Hold an array against the number of axes that it may have, the length of its last axis, and its dtype.

    Raises TypeError unless it is an array of float32 or float64, ValueError if it is empty or does not fit.
    """
    if not (hasattr(x, "dtype") and hasattr(x, "shape")):
        raise TypeError(f"{name} must be an array, not {type(x).__name__}")
    found, shape = str(x.dtype).removeprefix("torch."), tuple(x.shape)
    if found not in checks.DTYPES:
        raise TypeError(f"{name} must be float32 or float64, not {found}")
    if dtype is not None and found != dtype:
        raise ValueError(f"{name} must be {dtype}, as the layer is, not {found}")
    if (axes and len(shape) not in axes) or (last is not None and shape[-1:] != (last,)):
        end = "C" if last is None else last
        wanted = " or ".join(f"(B, {'T, ' if n == 3 else ''}{end})" for n in axes or (2, 3))
        raise ValueError(f"{name} must have shape {wanted}; got {shape}")
    if 0 in shape:
        raise ValueError(f"{name} is empty, shape {shape}; every size must be at least 1")
