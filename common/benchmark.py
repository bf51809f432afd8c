"""How long a training step takes: all contenders in turn, round after round, so that a noisy machine is fair to all."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import backends, datasets
from .recipe import Recipe
from .rng import RNG

PARTS = ("loader", "forward", "backward", "optimizer")


@dataclass(frozen=True)
class Timing:
    """One contender: seconds a step (median and quartiles over rounds), and the medians of its parts."""

    name: str
    dtype: str
    threads: int
    step: float
    quartiles: tuple[float, float]
    parts: dict[str, float]


class Ours:
    """A step of one of our backends, each of its parts timed."""

    def __init__(self, backend: str, recipe: Recipe, tokens, vocab_size: int, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = backend, dtype, threads
        self._nn, how = backends.load(backend), recipe.model
        sizes = (vocab_size, how.context_length, how.embedding_size, how.hidden_size)
        self._model = self._nn.MLP(*sizes, rng=RNG(recipe.train.seed), dtype=dtype)
        optimizer = recipe.optimizer
        self._optimizer = self._nn.AdamW(self._model.parameters(), lr=optimizer.lr, weight_decay=optimizer.weight_decay)
        self._batches = tokens.batches(how.context_length, recipe.train.batch_size)

    def round(self, steps: int) -> dict[str, float]:
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

    def __init__(self, backend: str, recipe: Recipe, tokens, vocab_size: int, dtype: str, threads: int) -> None:
        self.name, self.dtype, self.threads = f"usual {backend}", dtype, threads
        self._nn, how = backends.load(backend), recipe.model
        sizes = (vocab_size, how.context_length, how.embedding_size, how.hidden_size)
        parameters = self._nn.MLP(*sizes, rng=RNG(recipe.train.seed), dtype=dtype).parameters()
        yardstick = importlib.import_module(f"{self._nn.__name__}.yardstick")
        settings = (how.context_length, recipe.train.batch_size, recipe.optimizer.lr, recipe.optimizer.weight_decay)
        self._step = yardstick.usual_step(parameters, tokens.tokens, *settings)

    def round(self, steps: int) -> dict[str, float]:
        """Seconds a step."""
        self._nn.set_threads(self.threads)
        began = time.perf_counter()
        for _ in range(steps):
            self._step()
        return {"step": (time.perf_counter() - began) / steps}


def contenders(recipe: Recipe, names: list[str], dtypes: list[str], threads: list[int]) -> list[Ours | Usual]:
    """Every backend with its yardstick, where it has one, for each dtype and number of threads."""
    dataset = datasets.of_recipe(recipe.data)
    vocab_size = dataset.tokenizer.vocab_size
    kinds: list[tuple[Callable, str]] = [(Ours, name) for name in names]
    kinds += [(Usual, name) for name in names if _has_yardstick(name)]
    return [
        kind(name, recipe, dataset.train, vocab_size, dtype, n)
        for dtype in dtypes
        for n in threads
        for kind, name in kinds
    ]


def _has_yardstick(name: str) -> bool:
    return importlib.util.find_spec(f"{backends.load(name).__name__}.yardstick") is not None


def measure(runners: list[Ours | Usual], rounds: int, steps: int, on_round: Callable[[], None]) -> list[Timing]:
    """Let all run in turn, `rounds` times, after one round that does not count."""
    samples = [[] for _ in runners]
    for number in range(rounds + 1):
        for runner, sample in zip(runners, samples, strict=True):
            seconds = runner.round(steps)
            if number > 0:
                sample.append(seconds)
        on_round()
    return [_timing(runner, sample) for runner, sample in zip(runners, samples, strict=True)]


def _timing(runner: Ours | Usual, sample: list[dict[str, float]]) -> Timing:
    median = {part: float(np.median([seconds[part] for seconds in sample])) for part in sample[0]}
    low, high = np.percentile([seconds["step"] for seconds in sample], [25, 75])
    step = median.pop("step")
    return Timing(runner.name, runner.dtype, runner.threads, step, (float(low), float(high)), median)
