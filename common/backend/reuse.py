"""Memory for an array that is made anew at every step: fresh memory costs a page fault for each 4 KB of it."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np

LINE = 64  # bytes of the cache
KEPT = 2  # one array that the caller still holds, and the next


def aligned(n: int, dtype: str) -> memoryview:
    """Memory for n arbitrary numbers. It begins with a line of the cache, so that no vector straddles two."""
    size = n * np.dtype(dtype).itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memoryview(memory)[start : start + size]


class Reused:
    """Gives arrays of n numbers, their values arbitrary, each in memory whose last array nobody holds any longer.

    A view holds its array: what a caller has kept, whole or in part, is never overwritten.
    """

    def __init__(self, n: int, dtype: str) -> None:
        self._n, self._dtype = n, dtype
        self._kept: list[tuple[memoryview, ref]] = []

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: none of the memory, which the original's arrays may still lie in."""
        return self.__dict__ | {"_kept": []}

    def array(self) -> np.ndarray:
        """Return one (n,)."""
        free = next((i for i, (_, array) in enumerate(self._kept) if array() is None), None)
        memory = aligned(self._n, self._dtype) if free is None else self._kept.pop(free)[0]
        array = np.frombuffer(memory, self._dtype)
        self._kept = [*self._kept, (memory, ref(array))][:KEPT]
        return array
