"""The training loop: evaluate, log, save, step; the same for every backend."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .model import evaluating
from .recipe import Recipe
from .schedules import SCHEDULES


@dataclass(frozen=True)
class Evaluation:
    """What one line of the log says: the losses, in nats a token, before the update of `step`."""

    step: int
    train_loss: float
    val_loss: float
    lr: float

    def line(self) -> str:
        """Return the line for the terminal."""
        return f"step {self.step:6d} | train_loss {self.train_loss:.6f} | val_loss {self.val_loss:.6f} | lr {self.lr:e}"

    def csv(self) -> str:
        """Return the line for log.csv."""
        return f"{self.step},{self.train_loss:.9f},{self.val_loss:.9f},{self.lr:e}\n"


@dataclass
class Trainer:
    """A model, its optimizer and its data, at the beginning of `step`.

    `whole` is false while an update is under way: what it left half done must not be saved.
    """

    model: Any
    optimizer: Any
    dataset: Any
    recipe: Recipe
    step: int = 0
    val_loss: float = math.nan  # of the last evaluation
    best_val_loss: float = math.inf  # of the evaluations so far
    whole: bool = True
    watcher: Any = None  # sees each judged step, before and after its update (nnz.watching)

    def run(
        self,
        on_evaluation: Callable[[Evaluation, bool], None],
        on_step: Callable[[float], None] = lambda loss: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Train from `step` to the recipe's last one.

        At every eval_every-th step and the last, before the update: `on_evaluation(evaluation, is_best)`. After each
        update: `on_step(loss)`. Raises KeyboardInterrupt before the next update once `stopping()` is true.
        """
        train = self.recipe.train
        left = train.steps - self.step
        for inputs, targets in self._training_batches(left) if left else ():
            self.optimizer.lr = self.lr()
            judged = self.step % train.eval_every == 0 or self.step == train.steps - 1
            if judged:
                self._evaluate(on_evaluation, stopping)
            if stopping():
                raise KeyboardInterrupt
            self.whole = False  # from the forward on, which moves running statistics
            watched = self.watcher if judged else None
            if watched is not None:
                watched.before_update(self.step, self.model, inputs, targets)
            _, loss = self.model(inputs, targets)
            self.optimizer.step(self.model.backward())
            self.step += 1
            self.whole = True
            if watched is not None:
                watched.after_update(self.model)
            on_step(loss)

    def lr(self) -> float:
        """Return the learning rate of the present step."""
        schedule = SCHEDULES[self.recipe.optimizer.schedule]
        return schedule(self.recipe.optimizer.lr, self.step, self.recipe.train.steps)

    def split_loss(self, split: Any, stopping: Callable[[], bool] = lambda: False) -> float:
        """Return the loss on a whole split: its first n_tokens // B batches, and at least one."""
        return self._mean_loss(split, max(1, split.n_tokens // self.recipe.train.batch_size), stopping)

    def _evaluate(self, on_evaluation: Callable[[Evaluation, bool], None], stopping: Callable[[], bool]) -> None:
        train_loss = self._mean_loss(self.dataset.train, self.recipe.train.eval_batches, stopping)
        self.val_loss = self.split_loss(self.dataset.val, stopping)
        on_evaluation(
            Evaluation(self.step, train_loss, self.val_loss, self.optimizer.lr), self.val_loss < self.best_val_loss
        )
        self.best_val_loss = min(self.best_val_loss, self.val_loss)

    def _mean_loss(self, split: Any, batches: int, stopping: Callable[[], bool]) -> float:
        """Return the mean of the batches' mean losses, summed in their order in float64."""
        total, sizes = 0.0, (self.recipe.model.context_length, self.recipe.train.batch_size)
        with evaluating(self.model):
            for inputs, targets in split.batches(*sizes, steps=batches):
                if stopping():
                    raise KeyboardInterrupt
                total += float(self.model(inputs, targets)[1])
        return total / batches

    def _training_batches(self, steps: int) -> Any:
        train, random = self.recipe.train, {}
        if train.order == "random":
            random = {"seed": train.seed}
        sizes = self.recipe.model.context_length, train.batch_size
        return self.dataset.train.batches(*sizes, steps=steps, start=self.step, **random)
