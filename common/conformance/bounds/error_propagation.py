"""How an error passes through one operation: not at all, by its bound (T1), by random rounding, or in strict float32.

bounds.layers builds the layers on any of the four.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..oracle import ops as oracle_ops
from ..oracle import strict_ops as strict_oracle
from . import derived as bounds
from .rounding import unit_roundoff

Array = np.ndarray
WithError = tuple[Array, Array]  # a value, and how far a correct one can be from it


class Propagation:
    """The oracle's value of each operation, with an error of 0."""

    def __call__(self, op_name: str, **arguments: Any) -> dict[str, WithError]:
        """(value, error) of each output by name. The error of an argument `x` is the argument `x_error`."""
        values = oracle_ops.outputs(op_name, {k: v for k, v in arguments.items() if not k.endswith("_error")})
        errors = self._errors(op_name, arguments, values)
        return {name: (self._rounded(value), errors[name]) for name, value in values.items()}

    def add(self, a: WithError, b: WithError) -> WithError:
        """a + b."""
        return self._rounded(a[0] + b[0]), np.zeros_like(a[0])

    def _errors(self, op_name: str, arguments: dict[str, Any], values: dict[str, Array]) -> dict[str, Array]:
        return {name: np.zeros_like(value) for name, value in values.items()}

    def _rounded(self, value: Array) -> Array:
        return value


class StrictPropagation(Propagation):
    """The strict oracle's value of each operation, exact to the bit: a float32, kept in float64 like the others."""

    def __call__(self, op_name: str, **arguments: Any) -> dict[str, WithError]:
        given = {k: self._exact(v) for k, v in arguments.items() if not k.endswith("_error")}
        values = oracle_ops.by_name(op_name, getattr(strict_oracle, op_name)(**given))
        return {name: (value, np.zeros_like(value)) for name, value in values.items()}

    def add(self, a: WithError, b: WithError) -> WithError:
        return self._exact(a[0]) + self._exact(b[0]), np.zeros_like(a[0])

    @staticmethod
    def _exact(value: Any) -> Any:
        return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


class BoundPropagation(Propagation):
    """Each value with the bound of its error, which includes what the errors of the arguments cause."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def add(self, a: WithError, b: WithError) -> WithError:
        error = a[1] + b[1]
        u = unit_roundoff(self.dtype) + unit_roundoff(np.float64)  # the oracle's own sum is rounded too
        return a[0] + b[0], error + u * (np.abs(a[0]) + np.abs(b[0]) + error)

    def _errors(self, op_name: str, arguments: dict[str, Any], values: dict[str, Array]) -> dict[str, Array]:
        return bounds.op_bounds(op_name, arguments, self.dtype)


class NoisePropagation(Propagation):
    """Each value changed by up to u of itself at random, as if it had been rounded.

    How far a model's gradients then change is what rounding costs in that model (Parker 1997, Monte Carlo Arithmetic).
    It proves nothing, but it is near the truth where a bound, grown from layer to layer, is far above it.
    """

    def __init__(self, dtype: str, rng: np.random.Generator) -> None:
        self._u, self._rng = unit_roundoff(dtype), rng

    def _rounded(self, value: Array) -> Array:
        return value * (1 + self._u * self._rng.uniform(-1, 1, np.shape(value)))
