"""The MLP in C, from Python: the arithmetic is all in mlp.c; here are its memory and its border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnz.backend import checks, initial
from nnz.backend.model import MLPBase
from nnz.backend.reuse import Reused

from ._binding import ffi, kernel, pointer
from .runtime import devices


class MLP(MLPBase):
    __doc__ = MLPBase.__doc__

    def __init__(self, *args, device: str = "cpu", **settings) -> None:
        super().__init__(*args, device=checks.available_device(device, devices()), **settings)
        self._begin(self._p["wte"].base)

    def _begin(self, flat: np.ndarray) -> None:
        self._flat = flat  # one array of all weights, of which C holds the address
        self._p = initial.FlatViews(flat, self._shapes)
        handle = self._kernel("mlp_new")(pointer(self._flat), *self.sizes)
        if handle == ffi.NULL:
            raise MemoryError("no memory for the model")
        self._c = ffi.gc(handle, self._kernel("mlp_free"))
        self._forward, self._backward = (self._kernel(f"mlp_{way}") for way in ("forward", "backward"))
        self._loss, self._gradients = np.empty((), self.dtype), Reused(flat.size, self.dtype)
        self._saved = None

    def _kernel(self, name: str) -> Callable:
        return kernel(name, self.dtype, self.precision)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: the weights, not the memory that C keeps for the original alone."""
        kept = ("sizes", "dtype", "device", "precision", "compile", "_shapes", "_flat")
        return {name: value for name, value in self.__dict__.items() if name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin(self._flat)

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, float | None]:
        """inputs (B, T), targets (B,) int -> logits (B, V), mean cross-entropy in nats (None without targets).

        Raises TypeError or ValueError on ids that are no integers, of another shape, or outside 0 .. V - 1.
        """
        inputs, targets = checks.batch(inputs, targets, self.sizes.T, self.sizes.V)
        logits = np.empty((len(inputs), self.sizes.V), self.dtype)
        self._saved = None
        arrays = map(pointer, (logits, self._loss, inputs, targets))
        if self._forward(self._c, *arrays, len(inputs)) != 0:
            raise MemoryError(f"no memory for a batch of {len(inputs)}")
        if targets is None:
            return logits, None
        self._saved = logits
        return logits, float(self._loss)

    def backward(self) -> dict[str, np.ndarray]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no forward with targets came first.
        """
        checks.forward_came_first(self._saved)
        gradients = self._gradients.array()
        self._backward(self._c, pointer(gradients))
        return initial.FlatViews(gradients, self._shapes)

    def _tensors(self) -> dict[str, np.ndarray]:
        self.backward()
        B, (V, T, E, H) = len(self._saved), self.sizes
        shapes = {"emb": (B, T, E), "h_pre": (B, H), "h": (B, H), "probs": (B, V)}
        shapes |= {"dlogits": (B, V), "dh": (B, H), "dh_pre": (B, H), "demb": (B, T, E)}
        return {name: self._tensor(name, shape) for name, shape in shapes.items()} | {"logits": self._saved}

    def _tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        address = self._kernel("mlp_tensor")(self._c, name.encode())
        return np.frombuffer(ffi.buffer(address, int(np.prod(shape)) * self._flat.itemsize), self.dtype).reshape(shape)
