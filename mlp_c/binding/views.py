"""All weights of a model as one array, of which C holds the address."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from math import prod

import numpy as np


def views(flat: np.ndarray, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The parts of an array of all weights, by the names of the parameters and in their shapes."""
    ends = list(accumulate(map(prod, shapes.values()), initial=0))
    parts = map(flat.__getitem__, map(slice, ends, ends[1:]))
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
