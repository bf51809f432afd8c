"""How long a training step and each op take: all in turn, round after round, so that a noisy machine is fair to all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import numpy as np

from ...backend import registry
from ...numbers.precisions import NATIVE, STRICT
from .contenders import Contender, Ours, Products, Round, Squares
from .workload import NOT_IN_A_STEP, Call, Workload, step_calls

MOST_STEPS = 40  # in a turn
PAUSE = 0.15  # seconds: OpenBLAS's threads spin for about 0.1 s before they sleep
REPEATS = 10  # calls of an op in a turn


@dataclass(frozen=True)
class Timing:
    """The medians of one contender over all rounds, and the rates that follow. None is what cannot be measured."""

    name: str
    dtype: str
    threads: int
    step: float  # seconds
    quartiles: tuple[float, float]  # of step
    parts: dict[str, float]  # seconds, by part; empty for a baseline
    tokens_per_second: float
    gflops: float  # of the step's matrix products, over the time of the whole step
    share_of_peak: float
    products_share: float | None  # the same over the time of these products alone
    peak_gflops: float  # the highest rate of any backend here for a product of two square matrices, in the same rounds


def measure(
    work: Workload,
    runners: Sequence[Contender],
    rounds: int,
    steps: int = MOST_STEPS,
    seconds: float | None = None,
    on_round: Callable[[], object] = lambda: None,
) -> list[Timing]:
    """Let all run in turn, `rounds` times, after one round that is not counted.

    A turn is `steps` steps, or as many of them as fit into `seconds`. In the same rounds the products of every backend
    are timed alone, and every backend on this machine, even one not asked for, multiplies square matrices.
    """
    kinds = dict.fromkeys((runner.dtype, runner.threads) for runner in runners)
    names = dict.fromkeys(runner.name for runner in runners if isinstance(runner, Ours))
    products = [Products(name, work, *kind) for kind in kinds for name in names]
    here = dict.fromkeys([*names, *registry.available()])
    squares = [Squares(name, *kind) for kind in kinds for name in here]
    samples = in_turn([*runners, *products, *squares], rounds, steps, seconds, on_round)
    alone = {(p.name, p.dtype, p.threads): _median(samples[p])["step"] for p in products}
    peaks = {kind: _peak([samples[s] for s in squares if (s.dtype, s.threads) == kind]) for kind in kinds}
    return [_timing(work, runner, samples[runner], alone, peaks[runner.dtype, runner.threads]) for runner in runners]


def in_turn(everyone: list, rounds: int, steps: int, seconds: float | None, on_round: Callable) -> dict:
    turns = {runner: _steps(runner, steps, seconds) for runner in everyone}
    samples: dict = {runner: [] for runner in everyone}
    for number in range(rounds + 1):
        for runner, turn in turns.items():
            rest(runner.threads)
            runner.round(1)  # fills the caches
            spent = runner.round(turn)
            if number > 0:
                samples[runner].append(spent)
        on_round()
    return samples


def rest(threads: int) -> None:
    """Before a turn on several threads, wait until the threads of the turn before sleep."""
    time.sleep(PAUSE if threads > 1 else 0)


def _steps(runner: Contender, most: int, seconds: float | None) -> int:
    if seconds is None:
        return most
    runner.round(1)  # fills the caches
    return max(1, min(most, int(seconds / runner.round(1)["step"])))


def _timing(work: Workload, runner: Contender, sample: list[Round], alone: dict, peak: float) -> Timing:
    median = _median(sample)
    low, high = np.percentile([spent["step"] for spent in sample], [25, 75])
    step = median.pop("step")
    products = alone.get((runner.name, runner.dtype, runner.threads))
    return Timing(
        name=runner.name,
        dtype=runner.dtype,
        threads=runner.threads,
        step=step,
        quartiles=(float(low), float(high)),
        parts=median,
        tokens_per_second=work.recipe.tokens_per_step / step,
        gflops=work.operations / step / 1e9,
        share_of_peak=work.operations / step / peak,
        products_share=None if products is None else work.operations / products / peak,
        peak_gflops=peak / 1e9,
    )


def _peak(samples: list[list[Round]]) -> float:
    """Operations per second of the fastest backend."""
    return max(1 / _median(sample)["step"] for sample in samples)


def _median(sample: list[Round]) -> Round:
    return {part: float(np.median([spent[part] for spent in sample])) for part in sample[0]}


@dataclass(frozen=True)
class OpTiming:
    """Seconds that a training step spends in all its calls of one function, and their share of the time of all calls.

    Called from Python on numpy arrays, with the checks, in one thread; the median of all rounds.
    """

    name: str
    dtype: str
    precision: str
    function: str
    calls: int
    seconds: float
    share: float | None  # None for an op that is not in a step of the MLP


def measure_ops(work: Workload, names: list[str], dtypes: list[str], rounds: int) -> list[OpTiming]:
    """Time every op of every backend in turn, `rounds` times, after one round that is not counted.

    The project's own backends are timed in strict float32 too.
    """
    kinds = [(name, dtype, NATIVE) for dtype in dtypes for name in names]
    kinds += [(name, "float32", STRICT) for name in names if name in registry.names() and "float32" in dtypes]
    calls = {kind: list(step_calls(work, kind[1])) for kind in kinds}
    samples: dict[tuple[str, str, str], list[list[float]]] = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, sample in samples.items():
            seconds = [_op_seconds(registry.load(kind[0]), call, kind[2]) for call in calls[kind]]
            if number > 0:
                sample.append(seconds)
    return [timing for kind, sample in samples.items() for timing in _op_timings(*kind, calls[kind], sample)]


def _op_seconds(nn: ModuleType, call: Call, precision: str) -> float:
    nn.set_threads(1)
    function, arguments = getattr(nn.ops, call[0]), call[1]
    if precision != NATIVE:
        function = partial(function, precision=precision)
    began = time.perf_counter()
    for _ in range(REPEATS):
        function(*arguments)
    return (time.perf_counter() - began) / REPEATS


def _op_timings(
    name: str, dtype: str, precision: str, calls: list[Call], sample: list[list[float]]
) -> Iterator[OpTiming]:
    median = np.median(sample, axis=0)
    of_step = sum(
        seconds for (function, _), seconds in zip(calls, median, strict=True) if function not in NOT_IN_A_STEP
    )
    for function in dict.fromkeys(function for function, _ in calls):
        times = [seconds for (called, _), seconds in zip(calls, median, strict=True) if called == function]
        share = None if function in NOT_IN_A_STEP else float(sum(times) / of_step)
        yield OpTiming(name, dtype, precision, function, len(times), float(sum(times)), share)
