"""The layers with their backward written by hand, over the `ops` that a backend puts in: numpy's and C's.

Each forward keeps what its backward needs, and the backward stands right under it: from dy, the gradient of the loss by
what the layer gave, to dx, the gradient by what it took. On the way it sets `self._d`, the gradient of each parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import layer_checks, layers

Array = np.ndarray


class ByHand:
    """How a layer meets the outside: `layer(x)`, then `layer.backward(dy)`, then `layer.gradients()`."""

    ops_by: Mapping[str, Any]  # the ops of each precision
    precision: str
    _y: Array | None = None

    @property
    def ops(self) -> Any:
        """The ops of the layer's own precision."""
        return self.ops_by[self.precision]

    def __call__(self, x: Array) -> Array:
        """Return y. Raises TypeError or ValueError for an x that the layer cannot take; a copy of it is kept."""
        self._y = self.forward(np.array(self.accepted(x), order="C"))
        return self._y

    def backward(self, dy: Array) -> Array | None:
        """Return dx, None where x holds token ids; may be called again. Raises RuntimeError before a forward."""
        layer_checks.output_gradient(dy, self._y)
        return self._backward(np.asarray(dy))

    def gradients(self) -> dict[str, Array]:
        """The gradient of each parameter, by its name, of the last backward."""
        return self._named("_d")


class Embedding(ByHand, layers.Embedding):
    __doc__ = layers.Embedding.__doc__

    def forward(self, ids: Array) -> Array:
        self._ids = ids
        return self.ops.embedding_forward(self._p["weight"], ids)  # (B, T) -> (B, T, E)

    def _backward(self, dy: Array) -> None:
        self._d = {"weight": self.ops.embedding_backward(dy, self._ids, self.num_embeddings)}


class Linear(ByHand, layers.Linear):
    __doc__ = layers.Linear.__doc__

    def forward(self, x: Array) -> Array:
        self._x = x.reshape(-1, self.in_features)  # every position is a row: (B, T, N) -> (B*T, N)
        y = self.ops.linear_forward(self._x, self._p["weight"], self._p.get("bias"))
        return y.reshape(*x.shape[:-1], self.out_features)

    def _backward(self, dy: Array) -> Array:
        rows = dy.reshape(-1, self.out_features)
        dx, dw, db = self.ops.linear_backward(rows, self._x, self._p["weight"])
        self._d = {"weight": dw, "bias": db} if "bias" in self._p else {"weight": dw}
        return dx.reshape(*dy.shape[:-1], self.in_features)


class BatchNorm1d(ByHand, layers.BatchNorm1d):
    __doc__ = layers.BatchNorm1d.__doc__

    def forward(self, x: Array) -> Array:
        rows = x.reshape(-1, self.num_features)  # (B, T, C) -> (B*T, C)
        p, b, how = self._p, self._b, (self.training, self.momentum, self.eps)
        y, mean, rstd, new_mean, new_var = self.ops.batch_norm_forward(
            rows, p["weight"], p["bias"], b["running_mean"], b["running_var"], *how
        )
        self._saved = rows, mean.copy(), rstd, b["running_var"].copy(), self.training
        b["running_mean"][...], b["running_var"][...] = new_mean, new_var
        return y.reshape(x.shape)

    def _backward(self, dy: Array) -> Array:
        x, mean, rstd, running_var, was_training = self._saved
        rows, weight = dy.reshape(x.shape), self._p["weight"]
        dx, dweight, dbias = self.ops.batch_norm_backward(rows, x, mean, rstd, weight)
        self._d = {"weight": dweight, "bias": dbias}
        if not was_training:  # y = x (weight rstd) + a constant: dx is the same map of dy, without its shift
            zero = np.zeros_like(weight)
            how = (False, self.momentum, self.eps)
            dx = self.ops.batch_norm_forward(rows, weight, zero, zero, running_var, *how)[0]
        return dx.reshape(dy.shape)


class Tanh(ByHand, layers.Tanh):
    __doc__ = layers.Tanh.__doc__

    def forward(self, x: Array) -> Array:
        self._h = self.ops.tanh_forward(x)
        return self._h

    def _backward(self, dy: Array) -> Array:
        return self.ops.tanh_backward(dy, self._h)


class Flatten(ByHand, layers.Flatten):
    __doc__ = layers.Flatten.__doc__

    def _backward(self, dy: Array) -> Array:
        return dy.reshape(self._shape)


class Residual(ByHand, layers.Residual):
    __doc__ = layers.Residual.__doc__

    def _backward(self, dy: Array) -> Array:
        return dy + self.layer._backward(dy)  # x goes both ways, so both gradients come back to it


class Sequential(ByHand, layers.Sequential):
    __doc__ = layers.Sequential.__doc__

    def _backward(self, dy: Array) -> Array | None:
        for layer in reversed(self.layers):
            dy = layer._backward(dy)
        return dy
