"""How long a training step takes: all contenders in turn, round after round, so that a noisy machine is fair to all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...backend import registry
from .contenders import Contender, Ours, Products, Round, Squares
from .workload import Workload

MOST_STEPS = 40  # in a turn
PAUSE = 0.15  # seconds: OpenBLAS's threads spin some 0.1 s before they sleep


@dataclass(frozen=True)
class Timing:
    """One contender: medians over the rounds, and what they mean. What cannot be measured of it is None."""

    name: str
    dtype: str
    threads: int
    step: float  # seconds
    quartiles: tuple[float, float]  # of step
    parts: dict[str, float]  # seconds; of one of ours
    tokens_per_second: float
    gflops: float  # the step's matrix products, over the time of the whole step
    share_of_peak: float
    products_share: float | None  # the same over the time of these products alone
    peak_gflops: float  # the most at which any backend here multiplied two square matrices, in the same rounds


def measure(
    work: Workload,
    runners: Sequence[Contender],
    rounds: int,
    steps: int = MOST_STEPS,
    seconds: float | None = None,
    on_round: Callable[[], object] = lambda: None,
) -> list[Timing]:
    """Let all run in turn, `rounds` times, after one round that does not count.

    A turn is `steps`, or as many of them as fit into `seconds`. In the same rounds every backend has its products
    timed alone; and all that are here, asked for or not, multiply square matrices.
    """
    kinds = dict.fromkeys((runner.dtype, runner.threads) for runner in runners)
    names = dict.fromkeys(runner.name for runner in runners if isinstance(runner, Ours))
    products = [Products(name, work, *kind) for kind in kinds for name in names]
    here = dict.fromkeys([*names, *registry.available()])
    squares = [Squares(name, *kind) for kind in kinds for name in here]
    samples = _in_turn([*runners, *products, *squares], rounds, steps, seconds, on_round)
    alone = {(p.name, p.dtype, p.threads): _median(samples[p])["step"] for p in products}
    peaks = {kind: _peak([samples[s] for s in squares if (s.dtype, s.threads) == kind]) for kind in kinds}
    return [_timing(work, runner, samples[runner], alone, peaks[runner.dtype, runner.threads]) for runner in runners]


def _in_turn(everyone: list, rounds: int, steps: int, seconds: float | None, on_round: Callable) -> dict:
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
    """Wait before a turn on several threads, until those of the turn before sleep."""
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
    """Operations a second of the fastest backend."""
    return max(1 / _median(sample)["step"] for sample in samples)


def _median(sample: list[Round]) -> Round:
    return {part: float(np.median([spent[part] for spent in sample])) for part in sample[0]}
