"""Any check, run on a backend that is always called with precision="strict"."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..checks.backend_under_test import BackendUnderTest, accepts

NO_PRECISION = ("Flatten", "Residual", "Sequential")  # layers that take no precision: they round nothing, or one sum


def in_strict(backend: BackendUnderTest) -> BackendUnderTest:
    """The backend, with every op, layer, model and optimizer in strict float32, or not there."""
    strict = copy.copy(backend)
    strict.module = _StrictModule(backend.module)
    return strict


def strict_check(run: Callable[..., Iterator[list[Any]]]) -> Callable[..., Iterator[list[Any]]]:
    """The same check, run on the backend in strict float32."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Any]]:
        return run(in_strict(backend), "float32", rng, rounds)

    return check


class _StrictModule:
    """The attributes of a module, or of its `ops`, each called with precision="strict"."""

    def __init__(self, module: Any) -> None:
        self._module, self.__name__ = module, getattr(module, "__name__", "")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if name == "ops":
            return _StrictModule(found)
        return _with_precision(found, name) if callable(found) and name not in NO_PRECISION else found


def _with_precision(function: Callable, name: str) -> Callable:
    """The function, called with precision="strict". If it does not take a precision, NotImplementedError is raised."""
    is_there = accepts(function, "precision")  # asked before the call, of which another process must see nothing else

    def strict(*values: Any, **settings: Any) -> Any:
        if not is_there:
            raise NotImplementedError("It does not take a precision.")
        return function(*values, **settings, precision="strict")

    strict.__name__ = name
    return strict
