"""One batch through a model: its tensors in order of computation, and the operation that computes each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks.backend_under_test import BackendUnderTest

Array = np.ndarray


@dataclass(frozen=True)
class Made:
    """A tensor is this output of an operation, given these arguments, and what is added to it."""

    op: str
    output: str
    given: dict[str, Any]
    added: Array | None = None


@dataclass(frozen=True)
class Walk:
    """What a backend's model makes of a batch is compared with `values`, each allowed to be off by `allowed`.

    `methods` says which of the class compute a tensor, and `line` on which line of what is printed it counts.
    """

    title: str
    model: str  # the class
    inputs: Array
    values: dict[str, Array]  # the oracle's
    allowed: dict[str, Array]
    tensors: Callable[[BackendUnderTest], dict[str, Any]]  # by name; raises NotThere and Wrong
    made: Callable[[str], Made]
    methods: Callable[[str], tuple[str, ...]]
    line: Callable[[str], str] = lambda name: name
