"""How long a training will take here, by the time of a small part of one step."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..backend.model import evaluating
from .loop import Trainer

ROWS = 4  # of a batch, that are timed
UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def seconds(trainer: Trainer) -> float:
    """From the trainer's step to the last, with all evaluations; the model stays as it is."""
    recipe = trainer.recipe
    inputs, targets = trainer.first_batch()
    rows = min(ROWS, len(inputs))
    batch = inputs[:rows], targets[:rows]

    def step() -> None:
        trainer.model(*batch)
        trainer.model.backward()

    def judge() -> None:
        with evaluating(trainer.model):
            trainer.model(*batch)

    with trainer.forgetting():
        step()
        judge()  # for the first time: memory is allotted
        per_step, per_judged = (_timed(work) * len(inputs) / rows for work in (step, judge))
    left = recipe.train.steps - trainer.step
    evaluations = left // recipe.train.eval_every + 1
    judged = evaluations * (recipe.train.eval_batches + trainer.batches_of(trainer.dataset.val))
    return left * per_step + judged * per_judged


def in_words(seconds: float) -> str:
    """The time in its largest unit, of which it is at least two, or in seconds: 31 hours."""
    unit, size = next((unit for unit in UNITS if seconds >= 2 * unit[1]), UNITS[-1])
    count = max(1, round(seconds / size))
    return f"{count} {unit if count > 1 else unit.removesuffix('s')}"


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
