"""The layers, built from the oracle's functions alone; each value comes with the bound of its error.

This module is an `nn` like a backend: the code that builds a layer, or a whole rung of the ladder, from a backend also
builds it from here. `load` then sets the weights and the kind of error propagation; `forward` and `backward` compute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .error_propagation import Propagation, WithError

Array = np.ndarray


class _Layer:
    """Keeps the gradients and the running statistics ("buffers") of the last batch, by name, with their errors."""

    def __init__(self, *sizes: int, **children: Any) -> None:
        self._children = {name: child for name, child in children.items() if isinstance(child, _Layer)}
        self._own: dict[str, dict[str, WithError]] = {"gradients": {}, "buffers": {}}
        self.training = True

    def load(self, parameters: Mapping[str, Array], buffers: Mapping[str, Array], propagate: Propagation) -> _Layer:
        """Take the weights and running statistics, exact in their dtype; return the layer."""
        self.p, self.b = ({k: np.asarray(v, np.float64) for k, v in given.items()} for given in (parameters, buffers))
        self.propagate = propagate
        for prefix, child in self._children.items():
            child.load(*(_below(prefix, given) for given in (parameters, buffers)), propagate)
        return self

    def eval(self) -> _Layer:
        """Normalise by the running statistics from now on; return the layer."""
        self.training = False
        for child in self._children.values():
            child.eval()
        return self

    def found(self, kind: str) -> dict[str, WithError]:
        """The "gradients" or "buffers" of the last batch, named as the parameters are."""
        found = dict(self._own[kind])
        for prefix, child in self._children.items():
            found |= {f"{prefix}.{name}": pair for name, pair in child.found(kind).items()}
        return found

    def _keep(self, kind: str, **pairs: WithError) -> None:
        self._own[kind] = pairs


class Embedding(_Layer):
    def forward(self, ids: Array, error: Array) -> WithError:
        self.ids = ids
        return self.propagate("embedding_forward", wte=self.p["weight"], ids=ids)["emb"]

    def backward(self, dy: Array, error: Array) -> None:
        given = {"demb": dy, "ids": self.ids, "V": len(self.p["weight"]), "demb_error": error}
        self._keep("gradients", weight=self.propagate("embedding_backward", **given)["dwte"])


class Linear(_Layer):
    def __init__(self, *sizes: int, bias: bool = True, gain: float | None = None, **draw: Any) -> None:
        super().__init__()
        self.bias = bias

    def forward(self, x: Array, error: Array) -> WithError:
        self.x = {"x": x, "w": self.p["weight"], "x_error": error}
        return self.propagate("linear_forward", **self.x, b=self.p.get("bias"))["y"]

    def backward(self, dy: Array, error: Array) -> WithError:
        found = self.propagate("linear_backward", dy=dy, **self.x, dy_error=error)
        self._keep("gradients", weight=found["dw"], **({"bias": found["db"]} if self.bias else {}))
        return found["dx"]


class BatchNorm1d(_Layer):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, dtype: str = "float32") -> None:
        super().__init__()
        self.how = {"eps": eps, "momentum": momentum}

    def forward(self, x: Array, error: Array) -> WithError:
        given = {"x": x, **self.p, **self.b, **self.how, "training": self.training, "x_error": error}
        found = self.propagate("batch_norm_forward", **given)
        self._keep("buffers", **{name: found[f"new_{name}"] for name in self.b})
        self.saved = {"x": x, "weight": self.p["weight"], "x_error": error}
        for name in ("mean", "rstd"):
            self.saved |= dict(zip((name, f"{name}_error"), found[name], strict=True))
        return found["y"]

    def backward(self, dy: Array, error: Array) -> WithError:
        found = self.propagate("batch_norm_backward", dy=dy, dy_error=error, **self.saved)
        self._keep("gradients", weight=found["dweight"], bias=found["dbias"])
        return found["dx"] if self.training else self._affine(dy, error)

    def _affine(self, dy: Array, error: Array) -> WithError:
        """In evaluation y = x (weight rstd) + a constant: dx is the same map of dy, without the constant."""
        none = np.zeros_like(self.p["bias"])
        given = {"x": dy, **self.p, **self.b, **self.how, "training": False, "x_error": error}
        return self.propagate("batch_norm_forward", **(given | {"bias": none, "running_mean": none}))["y"]


class Tanh(_Layer):
    def forward(self, x: Array, error: Array) -> WithError:
        y, y_error = self.propagate("tanh_forward", x=x, x_error=error)["y"]
        self.y = {"y": y, "y_error": y_error}
        return y, y_error

    def backward(self, dy: Array, error: Array) -> WithError:
        return self.propagate("tanh_backward", dy=dy, dy_error=error, **self.y)["dx"]


class Flatten(_Layer):
    def __init__(self, n: int | None = None) -> None:
        super().__init__()
        self.n = n

    def forward(self, x: Array, error: Array) -> WithError:
        B, T, C = self.shape = x.shape
        n = self.n or T
        shape = (B, T // n, n * C) if n < T else (B, T * C)
        return x.reshape(shape), error.reshape(shape)

    def backward(self, dy: Array, error: Array) -> WithError:
        return dy.reshape(self.shape), error.reshape(self.shape)


class Residual(_Layer):
    def __init__(self, layer: _Layer) -> None:
        super().__init__(layer=layer)
        self.layer = layer

    def forward(self, x: Array, error: Array) -> WithError:
        return self.propagate.add((x, error), self.layer.forward(x, error))

    def backward(self, dy: Array, error: Array) -> WithError:
        return self.propagate.add((dy, error), self.layer.backward(dy, error))


class Sequential(_Layer):
    def __init__(self, *layers: _Layer) -> None:
        super().__init__(**{str(i): layer for i, layer in enumerate(layers)})
        self.layers = layers

    def forward(self, x: Array, error: Array) -> WithError:
        for layer in self.layers:
            x, error = layer.forward(x, error)
        return x, error

    def backward(self, dy: Array, error: Array) -> WithError | None:
        pair = dy, error
        for layer in reversed(self.layers):
            pair = layer.backward(*pair)
        return pair


def _below(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Those that belong to the child `prefix`, by the names that it has for them."""
    return {name.removeprefix(f"{prefix}."): a for name, a in arrays.items() if name.startswith(f"{prefix}.")}
