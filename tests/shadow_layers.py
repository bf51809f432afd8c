"""The layers once more, out of the oracle's functions alone, each value with the bound of its error beside it.

It walks a model of any backend by the names of its classes and its parameters, and computes nothing with it.
"""

from collections.abc import Callable

import numpy as np

from nnz.conformance import bounds, oracle

Array = np.ndarray
Pair = tuple[Array, Array]  # a value, and how far an honest one can be from it
Back = Callable[[Array, Array], Pair]  # from dy and its bound to dx and its bound


class Shadow:
    """The gradients and their bounds gather in `gradients`, the running statistics in `buffers`."""

    def __init__(self, layer, dtype: str) -> None:
        self.dtype, self.layer = dtype, layer
        self.p = {k: v.astype(np.float64) for k, v in layer.parameters().items()}
        self.b = {k: v.astype(np.float64) for k, v in layer.buffers().items()}
        self.gradients: dict[str, Pair] = {}
        self.buffers: dict[str, Pair] = {}

    def __call__(self, x: Array) -> tuple[Pair, Back]:
        """y with its bound, and the way back."""
        error = np.zeros(np.shape(x))
        return self.walk(self.layer, "", x, error)

    def walk(self, layer, prefix: str, x: Array, error: Array) -> tuple[Pair, Back]:
        return getattr(self, type(layer).__name__)(layer, prefix, x, error)

    def op(self, name: str, **arguments) -> tuple[tuple, dict[str, Array]]:
        values = {k: v for k, v in arguments.items() if not k.endswith("_error")}
        result = getattr(oracle, name)(**values)
        return result if isinstance(result, tuple) else (result,), bounds.op_bounds(name, arguments, self.dtype)

    def keep(self, prefix: str, names: list[str], values: tuple, limits: dict[str, Array]) -> None:
        for name, value, limit in zip(names, values, list(limits.values())[-len(names) :], strict=False):
            if prefix + name in self.p:
                self.gradients[prefix + name] = value, limit

    def Embedding(self, layer, prefix: str, ids: Array, error: Array) -> tuple[Pair, Back]:
        wte = self.p[prefix + "weight"]

        def back(dy: Array, dy_error: Array) -> Pair:
            values, limits = self.op("embedding_backward", demb=dy, ids=ids, V=len(wte), demb_error=dy_error)
            self.keep(prefix, ["weight"], values, limits)
            return dy, dy_error

        (y,), limits = self.op("embedding_forward", wte=wte, ids=ids)
        return (y, limits["emb"]), back

    def Linear(self, layer, prefix: str, x: Array, error: Array) -> tuple[Pair, Back]:
        w, b = self.p[prefix + "weight"], self.p.get(prefix + "bias")

        def back(dy: Array, dy_error: Array) -> Pair:
            values, limits = self.op("linear_backward", dy=dy, x=x, w=w, dy_error=dy_error, x_error=error)
            self.keep(prefix, ["weight", "bias"], values[1:], limits)
            return values[0], limits["dx"]

        (y,), limits = self.op("linear_forward", x=x, w=w, b=b, x_error=error)
        return (y, limits["y"]), back

    def BatchNorm1d(self, layer, prefix: str, x: Array, error: Array) -> tuple[Pair, Back]:
        own = {k: self.p[prefix + k] for k in ("weight", "bias")}
        own |= {k: self.b[prefix + k] for k in ("running_mean", "running_var")}
        how = {"training": True, "momentum": layer.momentum, "eps": layer.eps}
        (y, mean, rstd, *running), limits = self.op("batch_norm_forward", x=x, **own, **how, x_error=error)
        for name, value in zip(("running_mean", "running_var"), running, strict=True):
            self.buffers[prefix + name] = value, limits[f"new_{name}"]
        saved = {"x": x, "mean": mean, "rstd": rstd, "weight": own["weight"], "x_error": error}
        saved |= {"mean_error": limits["mean"], "rstd_error": limits["rstd"]}

        def back(dy: Array, dy_error: Array) -> Pair:
            values, found = self.op("batch_norm_backward", dy=dy, dy_error=dy_error, **saved)
            self.keep(prefix, ["weight", "bias"], values[1:], found)
            return values[0], found["dx"]

        return (y, limits["y"]), back

    def Tanh(self, layer, prefix: str, x: Array, error: Array) -> tuple[Pair, Back]:
        (y,), limits = self.op("tanh_forward", x=x, x_error=error)

        def back(dy: Array, dy_error: Array) -> Pair:
            (dx,), found = self.op("tanh_backward", dy=dy, y=y, dy_error=dy_error, y_error=limits["y"])
            return dx, found["dx"]

        return (y, limits["y"]), back

    def Flatten(self, layer, prefix: str, x: Array, error: Array) -> tuple[Pair, Back]:
        B, T, C = x.shape
        n = layer.n or T
        shape = (B, T // n, n * C) if n < T else (B, T * C)
        return (x.reshape(shape), error.reshape(shape)), lambda dy, e: (dy.reshape(x.shape), e.reshape(x.shape))

    def Residual(self, layer, prefix: str, x: Array, error: Array) -> tuple[Pair, Back]:
        (y, y_error), inner = self.walk(layer.layer, f"{prefix}layer.", x, error)
        return self.added(x, error, y, y_error), lambda dy, e: self.added(dy, e, *inner(dy, e))

    def added(self, a: Array, a_error: Array, b: Array, b_error: Array) -> Pair:
        u = bounds.unit_roundoff(self.dtype) + bounds.unit_roundoff(np.float64)
        error = a_error + b_error
        return a + b, error + u * (np.abs(a) + np.abs(b) + error)

    def Sequential(self, layer, prefix: str, x: Array, error: Array) -> tuple[Pair, Back]:
        backs = []
        for i, child in enumerate(layer.layers):
            (x, error), back = self.walk(child, f"{prefix}{i}.", x, error)
            backs.append(back)

        def back_through(dy: Array, e: Array) -> Pair:
            for back in reversed(backs):
                dy, e = back(dy, e)
            return dy, e

        return (x, error), back_through
