"""How fast a GPT trains here: tokens a second, next to its baselines, and a share of the peak.

A step's arithmetic is 6 N + 12 L T E operations a token: of N weights, and of attention (Chowdhery et al. 2022, B).
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from nnz.backend import registry
from nnz.recipes import from_recipe
from nnz.recipes.recipe import Recipe

from .baseline import baseline_step

BASELINES = {"baseline, one module per head": "heads", "baseline, fused": "fused"}
PEAK_SIZE = {
    "cpu": 2048,
    "mps": 4096,
    "cuda": 8192,
}  # of the square matrices whose product shows what the machine can do


@dataclasses.dataclass(frozen=True)
class Timing:
    """One contender: seconds a step, the median of the rounds; and what that means."""

    name: str
    seconds: float
    tokens_per_second: float
    share_of_peak: float


def measure(
    recipe: Recipe, dataset: Any, device: str, rounds: int, steps: int, done: Callable[[], Any]
) -> list[Timing]:
    """Time the recipe's GPT and its baselines in turn, `rounds` times `steps` steps; `done()` after each round."""
    V = dataset.tokenizer.vocab_size
    ours = from_recipe.model(registry.load("torch"), recipe, V, device, trains=False)
    tokens, batch_size, lr = dataset.train.tokens, recipe.train.batch_size, recipe.optimizer.lr
    runners = {"nnz.gpt": _our_step(ours, recipe, dataset)}
    for name, style in BASELINES.items():
        runners[name] = baseline_step(style, ours.gpt.config, tokens, batch_size, lr, device)
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(rounds + 1):  # the first is a warm-up: there torch compiles, and chooses its kernels
        for name, step in runners.items():
            took = _timed(step, steps, device) / steps
            if number:
                seconds[name].append(took)
        done()
    per_step = recipe.tokens_per_step
    peak, work = _peak(device, recipe.model.dtype), _operations(ours.gpt) * per_step
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    return [Timing(name, s, per_step / s, work / s / peak) for name, s in medians.items()]


def _our_step(ours: Any, recipe: Recipe, dataset: Any) -> Callable[[], float]:
    """A step as the training loop of nnz takes it."""
    trained = from_recipe.optimizer(registry.load("torch"), recipe, ours)
    sizes = recipe.model.context_length, recipe.train.batch_size
    batches: Iterator = dataset.train.batches(*sizes, seed=recipe.train.seed, predicts_every_position=True)

    def step() -> float:
        ours.dropout_step = trained.t
        _, loss = ours(*next(batches))
        trained.step(ours.backward())
        return loss

    return step


def _operations(gpt: Any) -> float:
    """Per token, forward and backward. The embeddings are looked up, not multiplied."""
    c = gpt.config
    looked_up = () if c.tied_head else ("wte.weight",)
    weights = sum(p.numel() for name, p in gpt.named_parameters() if name not in (*looked_up, "wpe.weight"))
    return 6.0 * weights + 12.0 * c.n_layer * c.context_length * c.n_embd


def _peak(device: str, dtype: str) -> float:
    """Operations a second of a large square product: in bfloat16 on a GPU, in the model's dtype on a CPU."""
    size, kind = PEAK_SIZE[device], torch.bfloat16 if device == "cuda" else getattr(torch, dtype)
    a, b = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
    return 2.0 * size**3 / min(_timed(lambda: a @ b, 1, device) for _ in range(8))


def _timed(step: Callable[[], Any], times: int, device: str) -> float:
    began = time.perf_counter()
    for _ in range(times):
        step()
    if device != "cpu":
        getattr(torch, device).synchronize()
    return time.perf_counter() - began
