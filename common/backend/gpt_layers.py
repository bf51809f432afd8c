"""The layers that a GPT is made of: see layers, which has those of an MLP. Each backward is right under its forward."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..numbers import precisions
from ..numbers.rng import RNG
from . import checks, initial
from .layer import Array, Layer, check_array


class LayerNorm(Layer):
    """y = (x - mean) / sqrt(var + eps) weight + bias, over the last axis        x (B, E) or (B, T, E)

    As torch.nn.LayerNorm (Ba et al. 2016), with the biased variance. The weight starts at 1, the bias at 0. Raises
    TypeError if normalized_shape is not an int, ValueError if it is below 1.
    """

    def __init__(
        self, normalized_shape: int, eps: float = 1e-5, dtype: str = "float32", precision: str = precisions.NATIVE
    ) -> None:
        super().__init__(dtype=checks.dtype_name(dtype), precision=precision)
        E = self.normalized_shape = checks.positive_int("normalized_shape", normalized_shape)
        self.eps = checks.non_negative("eps", eps)
        drawn = {"weight": np.ones(E, self.dtype), "bias": np.zeros(E, self.dtype)}
        self._p = {name: self.parameter(array) for name, array in drawn.items()}

    def accepted(self, x: Array) -> Array:
        check_array("x", x, (2, 3), self.normalized_shape, self.dtype)
        return x

    def forward(self, x: Array) -> Array:
        rows = x.reshape(-1, self.normalized_shape)  # (B, T, E) -> (B*T, E)
        y, mean, rstd = self.ops.layer_norm_forward(rows, self._p["weight"], self._p["bias"], self.eps)
        self._saved = rows, mean, rstd
        return y.reshape(x.shape)

    def _backward(self, dy: Array) -> Array:
        rows = dy.reshape(-1, self.normalized_shape)
        dx, dweight, dbias = self.ops.layer_norm_backward(rows, *self._saved, self._p["weight"])
        self._d = {"weight": dweight, "bias": dbias}
        return dx.reshape(dy.shape)


class RMSNorm(Layer):
    """y = x / sqrt(mean of x^2 + eps) weight, over the last axis        x (B, E) or (B, T, E)

    As torch.nn.RMSNorm (Zhang and Sennrich 2019): without an eps it is the dtype's, and without elementwise_affine
    there is no weight, which starts at 1. Raises as LayerNorm does.
    """

    def __init__(
        self,
        normalized_shape: int,
        eps: float | None = None,
        elementwise_affine: bool = True,
        dtype: str = "float32",
        precision: str = precisions.NATIVE,
    ) -> None:
        super().__init__(dtype=checks.dtype_name(dtype), precision=precision)
        E = self.normalized_shape = checks.positive_int("normalized_shape", normalized_shape)
        self.eps = float(np.finfo(self.dtype).eps) if eps is None else checks.non_negative("eps", eps)
        self.elementwise_affine = checks.flag("elementwise_affine", elementwise_affine)
        self._p = {"weight": self.parameter(np.ones(E, self.dtype))} if self.elementwise_affine else {}

    def accepted(self, x: Array) -> Array:
        check_array("x", x, (2, 3), self.normalized_shape, self.dtype)
        return x

    def forward(self, x: Array) -> Array:
        rows = x.reshape(-1, self.normalized_shape)  # (B, T, E) -> (B*T, E)
        y, rstd = self.ops.rms_norm_forward(rows, self._p.get("weight"), self.eps)
        self._saved = rows, rstd
        return y.reshape(x.shape)

    def _backward(self, dy: Array) -> Array:
        rows, weight = dy.reshape(-1, self.normalized_shape), self._p.get("weight")
        dx, dweight = self.ops.rms_norm_backward(rows, *self._saved, weight)
        self._d = {} if weight is None else {"weight": dweight}
        return dx.reshape(dy.shape)


class ReLU(Layer):
    """y = max(x, 0), elementwise        (Nair and Hinton 2010)"""

    def __init__(self, precision: str = precisions.NATIVE) -> None:
        super().__init__(dtype=precisions.dtype_of(precision), precision=precision)

    def forward(self, x: Array) -> Array:
        self._kept = self.ops.relu_forward(x)
        return self._kept

    def _backward(self, dy: Array) -> Array:
        return self.ops.relu_backward(dy, self._kept)


class GELU(Layer):
    """y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), elementwise        (Hendrycks and Gimpel 2016)

    Of torch.nn.GELU the tanh approximation alone. Raises ValueError for another one.
    """

    def __init__(self, approximate: str = "tanh", precision: str = precisions.NATIVE) -> None:
        super().__init__(dtype=precisions.dtype_of(precision), precision=precision)
        if approximate != "tanh":
            raise ValueError(f"approximate must be 'tanh', the one GELU that is here; got {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Array) -> Array:
        self._x = x
        return self.ops.gelu_forward(x)

    def _backward(self, dy: Array) -> Array:
        return self.ops.gelu_backward(dy, self._x)


class Dropout(Layer):
    """In training y = x mask, a mask of 0 with probability p and else of 1 / (1 - p); else y = x

    As torch.nn.Dropout (Srivastava et al. 2014), but the mask is drawn by a counter: of this seed, this site, which
    should be another one in each Dropout of a model, and `step`, the number of masks before it. Raises ValueError
    unless p is from 0 to below 1.
    """

    def __init__(self, p: float = 0.5, seed: int = 1337, site: int = 0, precision: str = precisions.NATIVE) -> None:
        super().__init__(dtype=precisions.dtype_of(precision), precision=precision)
        self.p, self.seed, self.site = (
            checks.below_one("p", p),
            checks.uint64("seed", seed),
            checks.uint64("site", site),
        )
        self.step = 0
        self._mask: Any = None

    def forward(self, x: Array) -> Array:
        self._mask = None
        if not self.training or self.p == 0:
            return x
        self._mask = self.empty_like(x)
        self.ops.dropout_mask(self._mask, self.p, self.seed, self.site, self.step)
        self.step += 1
        return self.ops.dropout_forward(x, self._mask)

    def _backward(self, dy: Array) -> Array:
        return dy if self._mask is None else self.ops.dropout_backward(dy, self._mask)


class CausalSelfAttention(Layer):
    """y = proj(attention(qkv(x))): each position takes from itself and those before it        x (B, T, E) -> (B, T, E)

    In n_head heads side by side (Vaswani et al. 2017). "qkv.weight" (3 E, E) and "proj.weight" (E, E) are drawn as
    Linear draws, in this order, each with its bias. Raises as Linear does, and ValueError for an n_embd that is no
    multiple of n_head.
    """

    def __init__(
        self,
        n_embd: int,
        n_head: int,
        bias: bool = True,
        rng: RNG | None = None,
        dtype: str = "float32",
        precision: str = precisions.NATIVE,
    ) -> None:
        super().__init__(dtype=checks.dtype_name(dtype), precision=precision)
        E, self.n_head = checks.positive_int("n_embd", n_embd), checks.positive_int("n_head", n_head)
        self.n_embd, self.bias = E, checks.flag("bias", bias)
        checks.heads(E, self.n_head)
        for name, M in (("qkv", 3 * E), ("proj", E)):
            drawn = initial.linear(M, E, self.bias, checks.generator(rng), self.dtype)
            self._p |= {f"{name}.{kind}": self.parameter(array) for kind, array in drawn.items()}

    def accepted(self, x: Array) -> Array:
        check_array("x", x, (3,), self.n_embd, self.dtype)
        return x

    def forward(self, x: Array) -> Array:
        p, (B, T, E) = self._p, x.shape
        self._x = x.reshape(B * T, E)
        qkv = self.ops.linear_forward(self._x, p["qkv.weight"], p.get("qkv.bias")).reshape(B, T, 3, E)
        y, probs = self.ops.attention_forward(qkv, None, self.n_head)
        self._saved = qkv, probs
        self._heads = y.reshape(B * T, E)
        return self.ops.linear_forward(self._heads, p["proj.weight"], p.get("proj.bias")).reshape(B, T, E)

    def _backward(self, dy: Array) -> Array:
        p, (B, T, E) = self._p, dy.shape
        dheads, *dproj = self.ops.linear_backward(dy.reshape(B * T, E), self._heads, p["proj.weight"])
        dqkv = self.ops.attention_backward(dheads.reshape(B, T, E), *self._saved, None)
        dx, *d = self.ops.linear_backward(dqkv.reshape(B * T, 3 * E), self._x, p["qkv.weight"])
        gradients = dict(zip(("qkv.weight", "qkv.bias", "proj.weight", "proj.bias"), (*d, *dproj), strict=True))
        self._d = {name: gradients[name] for name in p}
        return dx.reshape(dy.shape)
