"""A backend of which everything is asked in strict float32, so that the checks need not say so each time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

from ..checks.backend_under_test import Subject

STRICT = {"precision": "strict"}
ONLY_MOVES = ("Flatten", "Residual", "Sequential")  # layers that round nothing, or nothing but one sum: no precision


def strictly(subject: Subject) -> Subject:
    """The subject, by whose `find` every op, layer, model and optimizer is a strict one, or not there."""
    seen = copy.copy(subject)
    seen.module = _Strictly(subject.module)
    return seen


class _Strictly:
    """The attributes of a module, each called with precision="strict"."""

    def __init__(self, module: Any) -> None:
        self._module, self.__name__ = module, module.__name__

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if name == "ops":
            return _Ops(found)
        return _asked(found, name) if callable(found) and name not in ONLY_MOVES else found


class _Ops:
    def __init__(self, ops: Any) -> None:
        self._ops = ops

    def __getattr__(self, name: str) -> Any:
        return _asked(getattr(self._ops, name), name)


def _asked(function: Callable, name: str) -> Callable:
    """The function with its precision given. One that has no such argument raises NotImplementedError instead."""

    def strict(*values: Any, **settings: Any) -> Any:
        if not _takes_precision(function):
            raise NotImplementedError("It takes no precision.")
        return function(*values, **settings, **STRICT)

    strict.__name__ = name
    return strict


def _takes_precision(function: Callable) -> bool:
    try:
        known = signature(function, follow_wrapped=False).parameters
    except (TypeError, ValueError):  # no signature can be read: the call itself will tell
        return True
    return "precision" in known or any(p.kind is Parameter.VAR_KEYWORD for p in known.values())
