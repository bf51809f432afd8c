"""How the time of a step grows with the batch, the hidden layer and the vocabulary, one of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...recipes.recipe import Recipe
from .contenders import contenders
from .measure import measure
from .workload import Workload, drawn, of_recipe

BATCHES = (8, 32, 128, 512, 2048)
HIDDEN = (32, 128, 512, 2048)
VOCABULARIES = (27, 256, 2048, 16384)
POINTS = len(BATCHES) + len(HIDDEN) + len(VOCABULARIES)
ROUNDS, SECONDS = 5, 0.05  # of a turn, or one step if that takes longer


@dataclass(frozen=True)
class Point:
    """Seconds of a step in float32 on one thread, where `what` is `size` and all else as in the recipe."""

    name: str
    what: str
    size: int
    step: float


def measure_scaling(recipe: Recipe, names: Sequence[str], on_point: Callable[[], object]) -> list[Point]:
    """Measure every contender at every size; `on_point()` after each of the POINTS."""
    points = []
    for what, size, work in _workloads(recipe):
        timings = measure(work, contenders(work, names, ["float32"], [1]), ROUNDS, seconds=SECONDS)
        points += [Point(t.name, what, size, t.step) for t in timings]
        on_point()
    return points


def _workloads(recipe: Recipe) -> Iterator[tuple[str, int, Workload]]:
    for size in BATCHES:
        yield "batch", size, of_recipe(recipe.override("train.batch_size", size))
    for size in HIDDEN:
        yield "hidden", size, of_recipe(recipe.override("model.hidden_size", size))
    for size in VOCABULARIES:
        yield "vocabulary", size, drawn(recipe, size)
