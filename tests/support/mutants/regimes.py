"""Ways of saying that two tensors agree: ours, and the usual ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from nnz.conformance.bounds.compare import compare

from .mutant import STRICT
from .real_step import Tensor


class Objection(NamedTuple):
    """A regime found the tensor in this place of real_step.tensors wrong."""

    regime: str
    dtype: str
    place: int


TORCH = {"float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}  # (rtol, atol) of torch.testing.assert_close


def _t1(tensor: Tensor, dtype: str) -> bool:
    """Within the derived bound, elementwise."""
    return compare(*tensor, dtype).share_of_bound <= 1


def _t2(tensor: Tensor, dtype: str) -> bool:
    """Within 32 u of the largest entry."""
    return compare(*tensor, dtype).t2_share <= 1


def close(rtol: float, atol: float) -> Callable[[Tensor, str], bool]:
    """|actual - expected| <= atol + rtol |expected|, elementwise, as numpy and torch mean it."""

    def agrees(tensor: Tensor, dtype: str) -> bool:
        actual: Any = tensor.actual.detach() if hasattr(tensor.actual, "detach") else tensor.actual
        return np.shape(actual) == np.shape(tensor.expected) and np.allclose(actual, tensor.expected, rtol, atol)

    return agrees


REGIMES: dict[str, Callable[[Tensor, str], bool]] = {
    "T1": _t1,
    "T2": _t2,
    "assert_close": lambda tensor, dtype: close(*TORCH[dtype])(tensor, dtype),
    "allclose": close(1e-5, 1e-8),
    "2e-2/1e-2": close(2e-2, 1e-2),
    "0.25/1": close(0.25, 1.0),
}
EVERYTHING = frozenset(Objection(regime, "", -1) for regime in REGIMES)
MEANING = {
    "T1": "the bound derived for each element",
    "T2": "32 u of the tensor's largest entry",
    "assert_close": "`torch.testing.assert_close`, by default 1.3e-6 and 1e-5 in float32, 1e-7 and 1e-7 in float64",
    "allclose": "`numpy.allclose`, by default 1e-5 and 1e-8",
    "2e-2/1e-2": "what ports to C are often tested with",
    "0.25/1": "a relative 0.25 or an absolute 1, as one well-known conformance suite has it",
}


def objections(tensors: Iterable[Tensor], dtype: str) -> frozenset[Objection]:
    """What each regime finds wrong; everything, if the tensors cannot even be computed."""
    found: set[Objection] = set()
    held_to = "float32" if dtype == STRICT else dtype
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for place, tensor in enumerate(tensors):
                found |= {
                    Objection(name, dtype, place) for name, agrees in REGIMES.items() if not agrees(tensor, held_to)
                }
    except Exception:
        return EVERYTHING
    return frozenset(found)
