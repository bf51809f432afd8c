"""The MLP in C, from Python: the arithmetic is all in mlp.c; here are its memory and its border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnz.backend.model import MLPBase

from .library import KERNELS, ffi, kernel, pointer
from .ops import OPS
from .runtime import devices
from .views import joined, views


class MLP(MLPBase):
    __doc__ = MLPBase.__doc__
    devices = staticmethod(devices)
    kernels = KERNELS
    ops_by_precision = OPS

    def _hold(self, drawn: dict[str, np.ndarray]) -> None:
        self._begin(joined(drawn.values()))

    def _begin(self, flat: np.ndarray) -> None:
        self._flat = flat  # one array of all weights, of which C holds the address
        self._p = views(flat, self._shapes)
        handle = self._kernel("mlp_new")(pointer(self._flat), *self.sizes)
        if handle == ffi.NULL:
            raise MemoryError("no memory for the model")
        self._c = ffi.gc(handle, self._kernel("mlp_free"))
        self._c_forward, self._c_backward = (self._kernel(f"mlp_{way}") for way in ("forward", "backward"))
        self._loss, self._saved = np.empty((), self.dtype), None

    def _kernel(self, name: str) -> Callable:
        return kernel(name, self.dtype, self.kernels[self.precision])

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: the weights, not the memory that C keeps for the original alone."""
        kept = ("sizes", "dtype", "device", "precision", "_shapes", "_flat")
        return {name: value for name, value in self.__dict__.items() if name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin(self._flat)

    def _forward(self, inputs: np.ndarray, targets: np.ndarray | None) -> dict[str, Any]:
        logits = np.empty((len(inputs), self.sizes.V), self.dtype)
        arrays = map(pointer, (logits, self._loss, inputs, targets))
        if self._c_forward(self._c, *arrays, len(inputs)) != 0:
            raise MemoryError(f"no memory for a batch of {len(inputs)}")
        return {"logits": logits, "loss": None if targets is None else float(self._loss)}

    def backward(self) -> dict[str, np.ndarray]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no forward with targets came first.
        """
        saved = self.saved()
        gradients = np.empty_like(self._flat)
        self._c_backward(self._c, pointer(gradients))
        saved["has_gradients"] = True  # in the memory of C
        return views(gradients, self._shapes)

    def _tensors(self, saved: dict[str, Any]) -> dict[str, np.ndarray]:
        if "has_gradients" not in saved:
            self.backward()
        B, (V, T, E, H) = len(saved["inputs"]), self.sizes
        shapes = {"emb": (B, T, E), "h_pre": (B, H), "h": (B, H), "probs": (B, V)}
        shapes |= {"dlogits": (B, V), "dh": (B, H), "dh_pre": (B, H), "demb": (B, T, E)}
        return saved | {name: self._tensor(name, shape) for name, shape in shapes.items()}

    def _tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        address = self._kernel("mlp_tensor")(self._c, name.encode())
        return np.frombuffer(ffi.buffer(address, int(np.prod(shape)) * self._flat.itemsize), self.dtype).reshape(shape)
