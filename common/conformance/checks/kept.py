"""Results that are kept while other calls are made: none may change, and none may be an argument itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .backend_under_test import Array, Wrong, as_array


class Kept:
    """What a backend has returned, with its bytes at that time."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = dtype
        self.results: list[tuple[str, Any, bytes]] = []

    def add(self, results: Mapping[str, Any]) -> None:
        """Keep these results, by name."""
        self.results += [(name, value, self._bytes(name, value)) for name, value in results.items()]

    def check(self) -> None:
        """Raises Wrong if a result is not what it was when it was returned."""
        for name, value, before in self.results:
            if self._bytes(name, value) != before:
                raise Wrong(f"a later call overwrote {name}, which an earlier one had returned")

    def _bytes(self, name: str, value: Any) -> bytes:
        return np.asarray(as_array(name, value, self.dtype)).tobytes()


def check_memory_of_its_own(results: Mapping[str, Any], given: Iterable[Array]) -> None:
    """Raises Wrong if a result lies in the memory of an argument: whoever writes to one changes the other."""
    given = list(given)
    for name, value in results.items():
        if isinstance(value, list | tuple | float):
            continue
        array = as_array(name, value, None)
        if any(np.may_share_memory(array, argument) for argument in given):
            raise Wrong(f"{name} lies in the memory of an argument; return a copy")
