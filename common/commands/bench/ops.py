"""How long each op takes, on arrays of the shapes that a training step of the MLP gives it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ...backend import initial, registry
from ...numbers.rng import RNG
from .workload import Workload

REPEATS = 10  # calls in a turn
NOT_IN_A_STEP = ("batch_norm_forward", "batch_norm_backward", "sgd_step")  # timed too, as if on its hidden layer

Call = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class OpTiming:
    """Seconds that a training step spends in all its calls of one function, and their share of those of all of them.

    Called from Python on numpy arrays, their checks included, in one thread; the median of all rounds.
    """

    name: str
    dtype: str
    function: str
    calls: int
    seconds: float
    share: float | None  # None for what a step of the MLP does not call


def measure_ops(work: Workload, names: list[str], dtypes: list[str], rounds: int) -> list[OpTiming]:
    """Time every op of every backend in turn, `rounds` times, after one round that does not count."""
    kinds = [(name, dtype) for dtype in dtypes for name in names]
    calls = {kind: list(step_calls(work, kind[1], steps_at_once(kind[0]))) for kind in kinds}
    samples: dict[tuple[str, str], list[list[float]]] = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, sample in samples.items():
            seconds = [_seconds(registry.load(kind[0]), call) for call in calls[kind]]
            if number > 0:
                sample.append(seconds)
    return [timing for kind, sample in samples.items() for timing in _timings(*kind, calls[kind], sample)]


def steps_at_once(name: str) -> bool:
    """Whether the backend's parameters fill one array, over which its optimizer steps in one call."""
    parameters = registry.load(name).MLP(2, 1, 1, 1, rng=RNG(1)).parameters()
    return initial.flat_array(parameters.values()) is not None


def step_calls(work: Workload, dtype: str, at_once: bool = False) -> Iterator[Call]:
    """Every call of a training step, in its order, with arrays of its shapes; then those that the MLP does not make.

    The optimizer is called once for each parameter, or for all of them `at_once`.
    """
    (V, T, E, H), B, lr = work.sizes, work.recipe.train.batch_size, work.recipe.optimizer.lr
    rng = RNG(work.recipe.train.seed)
    p = initial.mlp_parameters(initial.mlp_shapes(V, T, E, H), rng, dtype)
    ids, targets = (np.asarray(rng.u32(shape) % V, np.int32) for shape in ((B, T), (B,)))
    x, h, y = (rng.uniform(-1, 1, (B, n), dtype) for n in (T * E, H, V))  # what goes through, there and back
    probs = np.full((B, V), 1 / V, dtype)
    yield "embedding_forward", (p["wte"], ids)
    yield "linear_forward", (x, p["fc1.weight"], p["fc1.bias"])
    yield "tanh_forward", (h,)
    yield "linear_forward", (h, p["fc2.weight"], p["fc2.bias"])
    yield "cross_entropy_forward", (y, targets)
    yield "cross_entropy_backward", (probs, targets)
    yield "linear_backward", (y, h, p["fc2.weight"])
    yield "tanh_backward", (h, h)
    yield "linear_backward", (h, x, p["fc1.weight"])
    yield "embedding_backward", (x.reshape(B, T, E), ids, V)
    stepped = [initial.flat_array(p.values())] if at_once else list(p.values())
    for array in stepped:
        moments = np.zeros_like(array), np.ones_like(array)
        yield "adamw_step", (array.copy(), *moments, array, 1, lr, 0.9, 0.999, 1e-8, 1e-4)
    one, zero = np.ones(H, dtype), np.zeros(H, dtype)
    yield "batch_norm_forward", (h, one, zero, zero, one, True, 0.1, 1e-5)
    yield "batch_norm_backward", (h, h, zero, one, one)
    for array in stepped:
        yield "sgd_step", (array.copy(), array, lr, 0.0)


def _seconds(nn: ModuleType, call: Call) -> float:
    nn.set_threads(1)
    function, arguments = getattr(nn.ops, call[0]), call[1]
    began = time.perf_counter()
    for _ in range(REPEATS):
        function(*arguments)
    return (time.perf_counter() - began) / REPEATS


def _timings(name: str, dtype: str, calls: list[Call], sample: list[list[float]]) -> Iterator[OpTiming]:
    median = np.median(sample, axis=0)
    of_step = sum(
        seconds for (function, _), seconds in zip(calls, median, strict=True) if function not in NOT_IN_A_STEP
    )
    for function in dict.fromkeys(function for function, _ in calls):
        times = [seconds for (called, _), seconds in zip(calls, median, strict=True) if called == function]
        share = None if function in NOT_IN_A_STEP else float(sum(times) / of_step)
        yield OpTiming(name, dtype, function, len(times), float(sum(times)), share)
