"""The error of one floating-point operation: the constants of which every derived bound is made.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapters 2 to 4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

# numpy, SLEEF (which torch uses) and glibc each document at most 4 ULP for tanh, exp and log; the C kernels here are
# held to the same budget on every float32 by `make test-ulp`. One ULP is at most 2u of the value.
ULP_BUDGET = 4

# A root may be off by one ULP: torch's float32 sqrt is (IEEE 754 asks for half of one).
SQRT_ULP = 1

# The bounds are evaluated in float64 themselves, from float64 magnitudes: n terms cost a relative n 2^-53, which stays
# under 2^-20 for n up to 2^33. Every published bound is larger by this factor.
GUARD = 1 + 2.0**-20

# A backward and the complex-step derivative of its forward are both within some tens of 2^-53 (1.1e-16) of the truth,
# relative to the tensor's largest entry: this leaves room for sums of a hundred terms and for no formula that is wrong.
COMPLEX_STEP_LIMIT = 1e-14

# h in Im f(x + ih)/h: h^2 vanishes next to any number, and h itself is far from underflow.
COMPLEX_STEP = 1e-30


def unit_roundoff(dtype: DTypeLike) -> float:
    """u = half the spacing of dtype at 1: 2^-24 in float32, 2^-53 in float64."""
    return float(np.finfo(dtype).eps) / 2


def gamma(n: ArrayLike, u: float) -> np.ndarray:
    """n u / (1 - n u): what n roundings in a row cost, relative to the sum of magnitudes (Higham, lemma 3.1)."""
    n = np.maximum(np.asarray(n, np.float64), 0.0)
    if np.any(n * u >= 1):
        raise ValueError(f"{np.max(n):g} roundings of {u:g} each leave nothing to bound")
    return n * u / (1 - n * u)


@dataclass(frozen=True)
class Arithmetic:
    """u, the unit roundoff, and tiny, the smallest normal number: a result below it may be flushed to zero."""

    u: float
    tiny: float

    @classmethod
    def of(cls, dtype: DTypeLike) -> "Arithmetic":
        """The arithmetic of float32 or float64."""
        return cls(unit_roundoff(dtype), float(np.finfo(dtype).tiny))

    def gamma(self, n: ArrayLike) -> np.ndarray:
        """gamma(n, u) in this arithmetic."""
        return gamma(n, self.u)

    @property
    def function(self) -> float:
        """The relative error of one tanh, exp or log: 2 t u."""
        return 2 * ULP_BUDGET * self.u
