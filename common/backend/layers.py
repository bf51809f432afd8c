"""What the layers of every backend are besides their arithmetic: checked settings, and parameters drawn once, here.

`precision` is "native", or "strict": every float32 correctly rounded, so equal in every bit on every backend.
A backend writes `forward` for each: layers_by_hand for those that write `_backward` too, nnz.torch for autograd.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..numbers import precisions
from ..numbers.rng import RNG
from . import checks, initial, layer_checks
from .layer import Array, Layer


class Embedding(Layer):
    """y[b,t] = weight[x[b,t]]        x (B, T) int  weight (V, E)  ->  y (B, T, E)        (Bengio et al. 2003)

    The weight is drawn from N(0, 1). Raises TypeError if a size is no integer or rng no nnz.RNG, ValueError if a size
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

    def accepted(self, x: Array) -> Array:
        layer_checks.array("x", x, (2, 3), self.in_features, self.dtype)
        return x


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
        layer_checks.array("x", x, (2, 3), self.num_features, self.dtype)
        if self.training:
            layer_checks.more_than_one_row(x.shape)
        return x


class Tanh(Layer):
    """y = tanh(x), elementwise        (LeCun et al. 1998)"""

    def __init__(self, precision: str = "native") -> None:
        super().__init__(dtype="float32" if precision == precisions.STRICT else None, precision=precision)


class Flatten(Layer):
    """Groups of n consecutive positions side by side: (B, T, C) -> (B, T/n, n*C); (B, n*C) where one group is left.

    Without n all of them. Raises ValueError for a T that n does not divide.
    """

    def __init__(self, n: int | None = None) -> None:
        super().__init__()
        self.n = None if n is None else checks.positive_int("n", n)

    def accepted(self, x: Array) -> Array:
        layer_checks.array("x", x, (3,))
        if self.n is not None and x.shape[1] % self.n != 0:
            raise ValueError(f"Flatten({self.n}) needs a multiple of {self.n} positions; got shape {tuple(x.shape)}")
        return x

    def forward(self, x: Any) -> Any:
        B, T, C = self._shape = x.shape
        n = self.n or T
        return x.reshape(B, n * C) if n == T else x.reshape(B, T // n, n * C)


class Residual(Layer):
    """y = x + layer(x)        (He et al. 2016)

    Raises ValueError where layer(x) has not the shape of x.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__({"layer": layer_checks.layer(layer, Layer)})
        self.layer = layer

    def accepted(self, x: Array) -> Array:
        return self.layer.accepted(x)

    def forward(self, x: Any) -> Any:
        y = self.layer.forward(x)
        layer_checks.same_shape(x.shape, y.shape)
        return x + y


class Sequential(Layer):
    """One layer after the other; their parameters are named by their place: "0.weight", "1.bias" ..."""

    def __init__(self, *layers: Layer) -> None:
        children = {str(i): layer_checks.layer(layer, Layer) for i, layer in enumerate(layers)}
        layer_checks.each_once(layers)
        super().__init__(children)
        self.layers = layers

    def accepted(self, x: Array) -> Array:
        return self.layers[0].accepted(x)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer.forward(layer.accepted(x))
        return x
