"""Memory for an array that is made anew at every step: fresh memory costs a page fault for each 4 KB of it."""

from __future__ import annotations

from weakref import ref

import numpy as np

KEPT = 2  # one array that the caller still holds, and the next


class Reused:
    """Gives arrays of n numbers, their values arbitrary, each in memory whose last array nobody holds any longer.

    A view holds its array: what a caller has kept, whole or in part, is never overwritten.
    """

    def __init__(self, n: int, dtype: str) -> None:
        self._n, self._dtype = n, dtype
        self._kept: list[tuple[memoryview, ref]] = []

    def array(self) -> np.ndarray:
        """Return one (n,)."""
        free = next((pair for pair in self._kept if pair[1]() is None), None)
        if free is not None:
            self._kept.remove(free)
        memory = memoryview(np.empty(self._n, self._dtype)) if free is None else free[0]
        array = np.frombuffer(memory, self._dtype)
        self._kept = [*self._kept, (memory, ref(array))][:KEPT]
        return array
