"""What nnz bench times of a GPT: a training step, and the tokens that one sequence draws with a cache."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any

import numpy as np

from ...backend import registry
from ...backend.gpt_config import GPTConfig
from ...numbers.rng import RNG
from ...recipes.models import MODELS
from ...recipes.recipe import Recipe
from ...runs.generation import stream
from .measure import in_turn
from .workload import Call, Workload, drawn

VOCABULARY = 65  # of random tokens: the characters of Shakespeare's plays, which need not be downloaded for this
WIDE = {"n_layer": 1, "n_head": 12, "n_embd": 768, "context_length": 256}  # a block of GPT-2's smallest model
WIDE_BATCH = 4
STYLE = "fused"  # the baseline: as nanoGPT writes it
DRAWS = 5  # sequences of a turn: fewer take some milliseconds, in which one pause of the system weighs much


@dataclass(frozen=True)
class GPTWorkload(Workload):
    """The shape, batch and optimizer of a recipe of kind gpt, and random tokens to train on."""

    @property
    def config(self) -> GPTConfig:
        """The shape of the model, without dropout: not every backend of a library draws the same."""
        config = MODELS["gpt"].config(self.recipe, self.vocab_size)
        return dataclasses.replace(config, dropout=0.0, embedding_dropout=0.0)

    @property
    def operations(self) -> int:
        """6 N + 12 L T E a token, of the N weights in matrices, and of attention (Chowdhery et al. 2022, B)."""
        c = self.config
        weights = 12 * c.n_layer * c.n_embd**2 + c.n_embd * c.vocab_size
        return (6 * weights + 12 * c.n_layer * c.context_length * c.n_embd) * self.recipe.tokens_per_step

    def model(self, nn: ModuleType, dtype: str) -> Any:
        """The model that a backend trains."""
        fields = dataclasses.asdict(self.config) | {"dtype": dtype}
        return nn.GPT(**fields, rng=RNG(self.recipe.train.seed))

    def batches(self) -> Iterator:
        """What it is trained on, without end."""
        how = self.recipe
        sizes = how.model.context_length, how.train.batch_size
        return self.split.batches(*sizes, seed=how.train.seed, predicts_every_position=True)

    def has_baseline(self, name: str) -> bool:
        """Tell whether the backend comes with a baseline: torch does."""
        return registry.is_torch(registry.load(name))

    def baseline_step(self, name: str, dtype: str) -> Callable[[], object]:
        """A training step of the baseline."""
        config, how = dataclasses.replace(self.config, dtype=dtype), self.recipe
        written = registry.gpt().baseline
        return written.baseline_step(STYLE, config, self.split.tokens, how.train.batch_size, how.optimizer.lr, "cpu")

    def products(self, dtype: str) -> Iterator[Call]:
        """The linear layers' forward and backward, with the shapes of a step."""
        c, B, rng = self.config, self.recipe.tokens_per_step, RNG(self.recipe.train.seed)
        E = c.n_embd
        layers = [(E, 3 * E), (E, E), (E, 4 * E), (4 * E, E)] * c.n_layer + [(E, c.vocab_size)]
        for N, M in layers:
            x, w, b, dy = (rng.uniform(-1, 1, shape, dtype) for shape in ((B, N), (M, N), (M,), (B, M)))
            yield "linear_forward", (x, w, b)
            yield "linear_backward", (dy, x, w)


def of_gpt(recipe: Recipe) -> GPTWorkload:
    """Train on random tokens."""
    work = drawn(recipe, VOCABULARY)
    return GPTWorkload(work.recipe, work.split, work.vocab_size)


def wide(recipe: Recipe) -> Recipe:
    """The recipe with one block as wide as GPT-2's, where products rule."""
    for name, value in WIDE.items():
        recipe = recipe.override(f"model.{name}", value)
    return recipe.override("train.batch_size", WIDE_BATCH)


def shape_of(work: GPTWorkload) -> str:
    """The sizes, in words."""
    c = work.config
    return (
        f"batch {work.recipe.train.batch_size}, context {c.context_length}, {c.n_layer} layer{'s' * (c.n_layer > 1)}, "
        f"{c.n_head} heads, {c.n_embd} wide; "
    )


class Generation:
    """The tokens that one sequence draws, from one token until the context is full."""

    threads = 1

    def __init__(self, name: str, work: GPTWorkload, draw: Callable[[int], object] | None = None) -> None:
        self.name, self._nn = name, registry.load("torch" if draw else name)
        self._count = work.config.context_length - 1
        self._draw = draw or self._drawing(work.model(self._nn, "float32").eval())

    def round(self, steps: int) -> dict[str, float]:
        """Seconds for each token."""
        self._nn.set_threads(self.threads)
        began = time.perf_counter()
        for _ in range(steps):
            self._draw(self._count)
        return {"step": (time.perf_counter() - began) / steps / self._count}

    @staticmethod
    def _drawing(model: Any) -> Callable[[int], object]:
        prompt, rng = np.zeros((1, 1), np.int32), RNG(1)
        return lambda count: list(islice(stream(model, prompt, count, rng), count))


def measure_generation(work: GPTWorkload, names: Sequence[str], rounds: int) -> dict[str, float]:
    """Tokens per second of each backend and of the baseline, in turn, on one thread: the median of the rounds."""
    runners = [Generation(name, work) for name in names]
    if "torch" in names:
        draw = registry.gpt().baseline.baseline_tokens(work.config)
        runners.append(Generation("baseline torch", work, draw))
    samples = in_turn(runners, rounds, DRAWS, None, lambda: None)
    return {runner.name: 1 / float(np.median([s["step"] for s in samples[runner]])) for runner in runners}


def generation_table(found: dict[str, float], baseline: str) -> str:
    """Tokens per second, and compared with the baseline."""
    lines = ["**Generation, float32, 1 thread: tokens of one sequence, with a cache, until the context is full**", ""]
    lines += [f"|  | tokens/s | speed / {baseline} |", "|---|---|---|"]
    for name, rate in found.items():
        ratio = f"{rate / found[baseline]:.2f} x" if baseline in found else ""
        lines.append(f"| {name} | {rate:,.0f} | {ratio} |")
    return "\n".join(lines)
