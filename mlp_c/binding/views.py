"""All weights of a model as one array, of which C holds the address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import prod

import numpy as np

LINE = 64  # bytes of the cache that are read together: where a row begins with one, fewer are read


def views(flat: np.ndarray, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The parts of an array of all weights, by the names of the parameters and in their shapes."""
    ends = list(accumulate(map(prod, shapes.values()), initial=0))
    parts = map(flat.__getitem__, map(slice, ends, ends[1:]))
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def joined(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """All arrays one after the other, from the beginning of a line of the cache on."""
    parts = [array.ravel() for array in arrays]
    size, of_line = sum(map(len, parts)), LINE // parts[0].itemsize
    memory = np.empty(size + of_line, parts[0].dtype)
    first = -memory.ctypes.data % LINE // memory.itemsize
    return np.concatenate(parts, out=memory[first : first + size])
