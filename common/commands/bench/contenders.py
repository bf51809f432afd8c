"""Who takes part in nnz bench: our backends, the usual way of writing each, and the machine itself."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from types import ModuleType

import numpy as np

from ...backend import registry
from ...numbers.rng import RNG
from .ops import step_calls
from .workload import Workload

PARTS = ("loader", "forward", "backward", "optimizer")
SQUARES = (256, 512, 1024)  # rows and columns of the matrices whose products show what the machine can do

Round = dict[str, float]  # seconds of a step, and of what it is made of


class Ours:
    """A step of one of our backends, each of its parts timed."""

    def __init__(self, backend: str, work: Workload, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = backend, dtype, threads
        self._nn, recipe = registry.load(backend), work.recipe
        self._model = self._nn.MLP(*work.sizes, rng=RNG(recipe.train.seed), dtype=dtype)
        optimizer = recipe.optimizer
        self._optimizer = self._nn.AdamW(self._model.parameters(), lr=optimizer.lr, weight_decay=optimizer.weight_decay)
        self._batches = work.split.batches(recipe.model.context_length, recipe.train.batch_size)

    def round(self, steps: int) -> Round:
        """Seconds a step, whole and by part."""
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
            for part, seconds in zip(PARTS, (t1 - t0, t2 - t1, t3 - t2, clock() - t3), strict=True):
                spent[part] += seconds / steps
        return spent | {"step": sum(spent.values())}


class Usual:
    """A step of a backend's yardstick: the same model as it is usually written."""

    def __init__(self, backend: str, work: Workload, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = f"usual {backend}", dtype, threads
        self._nn, recipe = registry.load(backend), work.recipe
        parameters = self._nn.MLP(*work.sizes, rng=RNG(recipe.train.seed), dtype=dtype).parameters()
        settings = (work.sizes.T, recipe.train.batch_size, recipe.optimizer.lr, recipe.optimizer.weight_decay)
        self._step = yardstick(backend).usual_step(parameters, work.split.tokens, *settings)

    def round(self, steps: int) -> Round:
        """Seconds a step."""
        self._nn.set_threads(self.threads)
        began = time.perf_counter()
        for _ in range(steps):
            self._step()
        return {"step": (time.perf_counter() - began) / steps}


class Products:
    """Of a step of one of our backends the ops that multiply matrices, as a step calls them where the backend says how.

    A step checks none of the arguments of an op, and in torch goes forward only once.
    """

    def __init__(self, backend: str, work: Workload, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = backend, dtype, threads
        self._nn = registry.load(backend)
        calls = takewhile(lambda call: call[0] != "adamw_step", step_calls(work, dtype))
        self._calls = [prepared(self._nn, *call) for call in calls if call[0].startswith("linear")]

    def round(self, steps: int) -> Round:
        """Seconds that a step's products take."""
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
        """Seconds an operation, at the size where it takes least; as many rows of each size are enough for a turn."""
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
    """Return a call of an op of a backend as its model makes it; of a backend from elsewhere as everybody does."""
    prepare = getattr(getattr(nn, "runtime", None), "prepared", None)
    return prepare(function, *arguments) if prepare else partial(getattr(nn.ops, function), *arguments)


Contender = Ours | Usual


def contenders(work: Workload, names: Sequence[str], dtypes: Sequence[str], threads: Sequence[int]) -> list[Contender]:
    """Every backend with its yardstick, where it has one, for each dtype and number of threads."""
    kinds: list[tuple[Callable, str]] = [(Ours, name) for name in names]
    kinds += [(Usual, name) for name in names if has_yardstick(name)]
    return [kind(name, work, dtype, n) for dtype in dtypes for n in threads for kind, name in kinds]


def has_yardstick(name: str) -> bool:
    """Tell whether the backend comes with the usual way of writing it."""
    return importlib.util.find_spec(f"{registry.load(name).__name__}.yardstick") is not None


def yardstick(name: str) -> ModuleType:
    """Return it."""
    return importlib.import_module(f"{registry.load(name).__name__}.yardstick")
