"""What nnz bench times: a training step of each backend and of its baseline, and the matrix products of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType

import numpy as np

from ...backend import registry
from ...numbers.rng import RNG
from .workload import Workload

PARTS = ("loader", "forward", "backward", "optimizer")
SQUARES = (256, 512, 1024)  # rows and columns of the matrices whose products show what the machine can do

Round = dict[str, float]  # seconds of a step and of its parts


class Ours:
    """A training step of a backend, with the time of each part."""

    def __init__(self, backend: str, work: Workload, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = backend, dtype, threads
        self._nn, optimizer = registry.load(backend), work.recipe.optimizer
        self._model = work.model(self._nn, dtype)
        self._optimizer = self._nn.AdamW(self._model.parameters(), lr=optimizer.lr, weight_decay=optimizer.weight_decay)
        self._batches = work.batches()

    def round(self, steps: int) -> Round:
        """Seconds per step, whole and by part."""
        self._nn.set_threads(self.threads)
        spent, clock = dict.fromkeys(PARTS, 0.0), time.perf_counter
        for _ in range(steps):
            t0 = clock()
            inputs, targets = next(self._batches)
            t1 = clock()
            self._model(inputs, targets)
            t2 = clock()
            gradients = self._model.backward()
            t3 = clock()
            self._optimizer.step(gradients)
            del gradients  # as nnz train does: the next ones take their place
            for part, seconds in zip(PARTS, (t1 - t0, t2 - t1, t3 - t2, clock() - t3), strict=True):
                spent[part] += seconds / steps
        return spent | {"step": sum(spent.values())}


class Baseline:
    """A training step of a backend's baseline: the same model as it is usually written."""

    def __init__(self, backend: str, work: Workload, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = f"baseline {backend}", dtype, threads
        self._nn, self._step = registry.load(backend), work.baseline_step(backend, dtype)

    def round(self, steps: int) -> Round:
        """Seconds per step."""
        self._nn.set_threads(self.threads)
        began = time.perf_counter()
        for _ in range(steps):
            self._step()
        return {"step": (time.perf_counter() - began) / steps}


class Products:
    """The matrix products of a backend's step, called as its model calls them, if it says how.

    So they skip the checks of the arguments, and torch's backward does not repeat the forward.
    """

    def __init__(self, backend: str, work: Workload, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = backend, dtype, threads
        self._nn = registry.load(backend)
        self._calls = [prepared(self._nn, *call) for call in work.products(dtype)]

    def round(self, steps: int) -> Round:
        """Seconds that the products of a step take."""
        self._nn.set_threads(self.threads)
        began = time.perf_counter()
        for _ in range(steps):
            for call in self._calls:
                call()
        return {"step": (time.perf_counter() - began) / steps}


class Squares:
    """Products of two square matrices, small to large, by a backend's linear op."""

    def __init__(self, backend: str, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = f"squares by {backend}", dtype, threads
        self._nn = registry.load(backend)
        self._calls = {size: prepared(self._nn, "linear_forward", self._matrices(size)) for size in SQUARES}

    def round(self, steps: int) -> Round:
        """Seconds per operation, at the size where it takes least; each size multiplies the same number of rows."""
        self._nn.set_threads(self.threads)
        return {"step": min(self._seconds(size, max(SQUARES) // size) / (2 * size**3) for size in SQUARES)}

    def _matrices(self, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, w = RNG(1).uniform(-1, 1, (2, size, size), self.dtype)
        return x, w, np.zeros(size, self.dtype)

    def _seconds(self, size: int, times: int) -> float:
        began = time.perf_counter()
        for _ in range(times):
            self._calls[size]()
        return (time.perf_counter() - began) / times


def prepared(nn: ModuleType, function: str, arguments: tuple) -> Callable[[], object]:
    """Return a call of an op as the backend's own model makes it; for a backend from elsewhere, the public call."""
    prepare = getattr(getattr(nn, "runtime", None), "prepared", None)
    return prepare(function, *arguments) if prepare else partial(getattr(nn.ops, function), *arguments)


Contender = Ours | Baseline


def contenders(work: Workload, names: Sequence[str], dtypes: Sequence[str], threads: Sequence[int]) -> list[Contender]:
    """Every backend and, where it has one, its baseline, for each dtype and number of threads."""
    kinds: list[tuple[Callable, str]] = [(Ours, name) for name in names]
    kinds += [(Baseline, name) for name in names if work.has_baseline(name)]
    return [kind(name, work, dtype, n) for dtype in dtypes for n in threads for kind, name in kinds]
