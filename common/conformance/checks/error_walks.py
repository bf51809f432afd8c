"""Ways through the shadow of a layer: as it is, with bounds that hold (T1), with the noise of rounding, or strict."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bounds import derived as bounds
from ..oracle import strict_ops as strict_oracle_ops
from .ops import expected_outputs

Array = np.ndarray
Pair = tuple[Array, Array]  # a value, and how far an honest one can be from it


class Walk:
    """The oracle's value of each op, and 0 beside it."""

    def __call__(self, op_name: str, **arguments: Any) -> dict[str, Pair]:
        """(value, error) of each output by name; an argument that is itself off has its error beside it, `x_error`."""
        values = expected_outputs(op_name, {k: v for k, v in arguments.items() if not k.endswith("_error")})
        errors = self._errors(op_name, arguments, values)
        return dict(zip(bounds.OUTPUTS[op_name], zip(map(self._moved, values), errors, strict=True), strict=True))

    def added(self, a: Pair, b: Pair) -> Pair:
        """a + b."""
        return self._moved(a[0] + b[0]), np.zeros_like(a[0])

    def _errors(self, op_name: str, arguments: dict[str, Any], values: tuple[Array, ...]) -> list[Array]:
        return [np.zeros_like(value) for value in values]

    def _moved(self, value: Array) -> Array:
        return value


class StrictWalk(Walk):
    """The strict oracle's value of each op, every bit of which is due: a float32, held in float64 as the others are."""

    def __call__(self, op_name: str, **arguments: Any) -> dict[str, Pair]:
        given = {k: v for k, v in arguments.items() if not k.endswith("_error")}
        result = getattr(strict_oracle_ops, op_name)(**{k: self._exact(v) for k, v in given.items()})
        values = result if isinstance(result, tuple) else (result,)
        return {k: (v, np.zeros_like(v)) for k, v in zip(bounds.OUTPUTS[op_name], values, strict=True)}

    def added(self, a: Pair, b: Pair) -> Pair:
        return self._exact(a[0]) + self._exact(b[0]), np.zeros_like(a[0])

    @staticmethod
    def _exact(value: Any) -> Any:
        return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


class BoundedWalk(Walk):
    """Beside each value the bound of its error, that of the op's arguments carried on."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def added(self, a: Pair, b: Pair) -> Pair:
        error = a[1] + b[1]
        u = bounds.unit_roundoff(self.dtype) + bounds.unit_roundoff(np.float64)  # the oracle's own sum is rounded too
        return a[0] + b[0], error + u * (np.abs(a[0]) + np.abs(b[0]) + error)

    def _errors(self, op_name: str, arguments: dict[str, Any], values: tuple[Array, ...]) -> list[Array]:
        return list(bounds.op_bounds(op_name, arguments, self.dtype).values())


class NoisyWalk(Walk):
    """Each value moved by up to u of itself at random, as if it had been rounded.

    How far a model's gradients then move is what rounding costs in that very model (Parker 1997, Monte Carlo
    Arithmetic): no proof, but near the truth where a bound, grown from layer to layer, is far above it.
    """

    def __init__(self, dtype: str, rng: np.random.Generator) -> None:
        self._u, self._rng = bounds.unit_roundoff(dtype), rng

    def _moved(self, value: Array) -> Array:
        return value * (1 + self._u * self._rng.uniform(-1, 1, np.shape(value)))
