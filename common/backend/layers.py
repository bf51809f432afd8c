"""The layers: checked settings, parameters drawn once, here, and both ways written by hand over `self.ops`.

Each forward keeps what its backward needs, and the backward stands right under it: from dy, the gradient of the loss by
what the layer gave, to dx, the gradient by what it took. torch leaves the way back to autograd.

A backend sets `ops_by_precision`: {"native": its ops, "strict": its ops with every float32 correctly rounded}.
"""

from __future__ import annotations

import numpy as np

from ..numbers import precisions
from ..numbers.rng import RNG
from . import checks, initial
from .described import described
from .layer import Array, Layer, check_array


class Embedding(Layer):
    """y[b,t] = weight[x[b,t]]        x (B, T) int  weight (V, E)  ->  y (B, T, E)        (Bengio et al. 2003)

    The weight is from N(0, 1). Raises TypeError if a size is not an int or rng not an nnz.RNG, ValueError if a size
    is below 1.
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, rng: RNG, dtype: str = "float32", precision: str = "native"
    ) -> None:
        super().__init__(dtype=checks.dtype_name(dtype), precision=precision)
        self.num_embeddings = checks.positive_int("num_embeddings", num_embeddings)
        self.embedding_dim = checks.positive_int("embedding_dim", embedding_dim)
        weight = checks.generator(rng).normal((self.num_embeddings, self.embedding_dim), self.dtype)
        self._p["weight"] = self.parameter(weight)

    def accepted(self, x: Array) -> Array:
        return checks.token_ids("ids", x, (None, None), self.num_embeddings)

    def forward(self, ids: Array) -> Array:
        self._ids = ids
        return self.ops.embedding_forward(self._p["weight"], ids)  # (B, T) -> (B, T, E)

    def _backward(self, dy: Array) -> None:
        self._d = {"weight": self.ops.embedding_backward(dy, self._ids, self.num_embeddings)}


class Linear(Layer):
    """y = x weight^T + bias        x (B, N) or (B, T, N)  weight (M, N)  bias (M,)  ->  y (B, M) or (B, T, M)

    Drawn as torch.nn.Linear draws: weight, then bias, from U(±1/sqrt(N)). With a `gain` the weight comes from
    N(0, gain²/N) and the bias is 0 (He et al. 2015; 5/3 suits a tanh after it). Raises as Embedding does.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        rng: RNG | None = None,
        dtype: str = "float32",
        gain: float | None = None,
        precision: str = "native",
    ) -> None:
        super().__init__(dtype=checks.dtype_name(dtype), precision=precision)
        self.in_features = checks.positive_int("in_features", in_features)
        self.out_features = checks.positive_int("out_features", out_features)
        sizes, bias = (self.out_features, self.in_features), checks.flag("bias", bias)
        gain = None if gain is None else checks.non_negative("gain", gain)
        drawn = initial.linear(*sizes, bias, checks.generator(rng), self.dtype, gain)
        self._p = {name: self.parameter(array) for name, array in drawn.items()}

    def __repr__(self) -> str:
        return described(self, bias="bias" in self._p)

    def accepted(self, x: Array) -> Array:
        check_array("x", x, (2, 3), self.in_features, self.dtype)
        return x

    def forward(self, x: Array) -> Array:
        self._x = x.reshape(-1, self.in_features)  # every position is a row: (B, T, N) -> (B*T, N)
        y = self.ops.linear_forward(self._x, self._p["weight"], self._p.get("bias"))
        return y.reshape(*x.shape[:-1], self.out_features)

    def _backward(self, dy: Array) -> Array:
        rows = dy.reshape(-1, self.out_features)
        dx, dw, db = self.ops.linear_backward(rows, self._x, self._p["weight"])
        self._d = {"weight": dw, "bias": db} if "bias" in self._p else {"weight": dw}
        return dx.reshape(*dy.shape[:-1], self.in_features)


class BatchNorm1d(Layer):
    """y = (x - mean) / sqrt(var + eps) weight + bias, over all axes but the last        x (B, C) or (B, T, C)

    As torch.nn.BatchNorm1d (Ioffe and Szegedy 2015), but for the channels, which come last: in training the batch's own
    mean and biased variance, while running_mean and the unbiased running_var move towards them by `momentum`; else the
    running ones. Raises ValueError for a single row in training.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        dtype: str = "float32",
        precision: str = "native",
    ) -> None:
        super().__init__(dtype=checks.dtype_name(dtype), precision=precision)
        C = self.num_features = checks.positive_int("num_features", num_features)
        self.eps, self.momentum = checks.non_negative("eps", eps), checks.non_negative("momentum", momentum)
        self._p = {"weight": np.ones(C, self.dtype), "bias": np.zeros(C, self.dtype)}
        self._b = {"running_mean": np.zeros(C, self.dtype), "running_var": np.ones(C, self.dtype)}
        self._p = {name: self.parameter(array) for name, array in self._p.items()}
        self._b = {name: self.buffer(array) for name, array in self._b.items()}

    def accepted(self, x: Array) -> Array:
        check_array("x", x, (2, 3), self.num_features, self.dtype)
        if self.training:
            checks.more_than_one_row(x.shape)
        return x

    def forward(self, x: Array) -> Array:
        rows = x.reshape(-1, self.num_features)  # (B, T, C) -> (B*T, C)
        p, b, how = self._p, self._b, (self.training, self.momentum, self.eps)
        y, mean, rstd, new_mean, new_var = self.ops.batch_norm_forward(
            rows, p["weight"], p["bias"], b["running_mean"], b["running_var"], *how
        )
        self._saved = rows, mean * 1, rstd, self.training  # a copy: in evaluation mean is the buffer itself
        b["running_mean"][...], b["running_var"][...] = new_mean, new_var
        return y.reshape(x.shape)

    def _backward(self, dy: Array) -> Array:
        x, mean, rstd, was_training = self._saved
        rows, weight = dy.reshape(x.shape), self._p["weight"]
        dx, dweight, dbias = self.ops.batch_norm_backward(rows, x, mean, rstd, weight)
        self._d = {"weight": dweight, "bias": dbias}
        if not was_training:  # the statistics are constants: y = x (weight rstd) + a shift
            dx = rows * rstd * weight
        return dx.reshape(dy.shape)


class Tanh(Layer):
    """y = tanh(x), elementwise        (LeCun et al. 1998)

    `h` is what the last forward gave; `dh`, the gradient of the loss by it, what the last backward took.
    """

    def __init__(self, precision: str = "native") -> None:
        super().__init__(dtype=precisions.dtype_of(precision), precision=precision)

    def forward(self, x: Array) -> Array:
        self.h = self.ops.tanh_forward(x)
        return self.h

    def _backward(self, dy: Array) -> Array:
        self.dh = dy
        return self.ops.tanh_backward(dy, self.h)


class Flatten(Layer):
    """Groups of n consecutive positions side by side: (B, T, C) -> (B, T/n, n*C); (B, n*C) where one group is left.

    Without n all of them. Raises ValueError for a T that n does not divide.
    """

    def __init__(self, n: int | None = None) -> None:
        super().__init__()
        self.n = None if n is None else checks.positive_int("n", n)

    def accepted(self, x: Array) -> Array:
        check_array("x", x, (3,))
        if self.n is not None and x.shape[1] % self.n != 0:
            raise ValueError(f"Flatten({self.n}) needs a multiple of {self.n} positions; got shape {tuple(x.shape)}")
        return x

    def forward(self, x: Array) -> Array:
        B, T, C = self._shape = x.shape
        n = self.n or T
        return x.reshape(B, n * C) if n == T else x.reshape(B, T // n, n * C)

    def _backward(self, dy: Array) -> Array:
        return dy.reshape(self._shape)


class Residual(Layer):
    """y = x + layer(x)        (He et al. 2016)

    Raises ValueError where layer(x) has not the shape of x.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__({"layer": _checked_layer(layer)})
        self.layer = layer

    def accepted(self, x: Array) -> Array:
        return self.layer.accepted(x)

    def forward(self, x: Array) -> Array:
        y = self.layer.forward(x)
        if x.shape != y.shape:
            shapes = f"{tuple(x.shape)} into {tuple(y.shape)}"
            raise ValueError(f"Residual needs a layer that keeps the shape; it turned {shapes}")
        return x + y

    def _backward(self, dy: Array) -> Array:
        return dy + self.layer._backward(dy)  # x goes both ways, so both gradients come back to it


class Sequential(Layer):
    """One layer after the other; their parameters are named by their place: "0.weight", "1.bias" ..."""

    def __init__(self, *layers: Layer) -> None:
        super().__init__({str(i): _checked_layer(layer) for i, layer in enumerate(layers)})
        _check_each_once(layers)
        self.layers = layers

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"

    def accepted(self, x: Array) -> Array:
        return self.layers[0].accepted(x)

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(layer.accepted(x))
        return x

    def _backward(self, dy: Array) -> Array | None:
        for layer in reversed(self.layers):
            dy = layer._backward(dy)
        return dy


def _checked_layer(value: object) -> Layer:
    """Return `value`. Raises TypeError unless it is a layer."""
    if not isinstance(value, Layer):
        raise TypeError(f"a layer was expected, such as nn.Tanh(); got {type(value).__name__}")
    return value


def _check_each_once(layers: tuple[Layer, ...]) -> None:
    """Raises ValueError if there is no layer, or one is in two places: it can remember one input alone."""
    if not layers:
        raise ValueError("Sequential needs at least one layer")
    found, rest = [], list(layers)
    while rest:
        found.append(rest.pop())
        rest += found[-1].children()
    if len({id(layer) for layer in found}) < len(found):
        raise ValueError("the same layer is in two places; make one for each")
