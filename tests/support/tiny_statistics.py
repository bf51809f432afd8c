"""Statistics of a deep model of three layers at three steps, as a run would have taken them down."""

from __future__ import annotations

import numpy as np

from nnz.runs.statistics import KINDS, SHAPES, Statistics


def whole() -> Statistics:
    """Every array that there can be, of its kind and shape."""
    found, sizes = Statistics(), {"n": 3, "P": 2, "L": 3}
    for name, shape in SHAPES.items():
        shape = tuple(sizes.get(axis, axis) for axis in shape)
        found.arrays[name] = np.full(shape, "wte") if name in KINDS else np.full(shape, 0.5)
    return found
