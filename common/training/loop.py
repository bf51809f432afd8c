"""The training loop: evaluate, log, save, step; the same for every backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..backend.model import buffers_of, evaluating
from ..backend.optimizers import state_of
from ..backend.schedules import warmed_up
from ..numbers import digests
from ..numbers.precisions import STRICT
from ..recipes.recipe import Recipe
from ..runs.checkpoints import to_numpy
from .divergence import Losses, check_arrays, check_loss

EVALUATION_SEED = 1  # of windows drawn for an evaluation: the same in every run, whatever its own seed


@dataclass(frozen=True)
class Evaluation:
    """One line of the log: the losses, in nats a token, before the update of `step`.

    In a strict run the line on the terminal also has the SHA-256 of parameters and moments: the same on every machine.
    """

    step: int
    train_loss: float
    val_loss: float
    lr: float
    sha256: str = ""

    def line(self) -> str:
        """Return the line for the terminal."""
        losses = f"train_loss {self.train_loss:.6f} | val_loss {self.val_loss:.6f}"
        sha256 = f" | sha256 {self.sha256}" if self.sha256 else ""
        return f"step {self.step:6d} | {losses} | lr {self.lr:e}{sha256}"

    def csv(self) -> str:
        """Return the line for log.csv."""
        return f"{self.step},{self.train_loss:.9f},{self.val_loss:.9f},{self.lr:e}\n"


@dataclass
class Trainer:
    """A model, its optimizer and its data, at the beginning of `step`.

    `is_consistent` is false during an update: a model that is half updated must not be saved.
    """

    model: Any
    optimizer: Any
    dataset: Any
    recipe: Recipe
    step: int = 0
    val_loss: float = math.nan  # of the last evaluation
    best_val_loss: float = math.inf  # of the evaluations so far
    is_consistent: bool = True
    watcher: Any = None  # records each evaluated step, before and after its update (nnz.training.watcher)
    _losses: Losses = field(default_factory=Losses, init=False)
    _drawn: dict[tuple[str, int | None], list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict, init=False)

    def run(
        self,
        on_evaluation: Callable[[Evaluation, bool], None],
        on_step: Callable[[float], None] = lambda loss: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Train from `step` to the recipe's last one.

        At every eval_every-th step and the last, before the update: `on_evaluation(evaluation, is_best)`. After each
        update: `on_step(loss)`. Raises KeyboardInterrupt before the next update once `stopping()` is true. Raises
        Diverged at a loss that is not finite, and, before an evaluation and at the end, for any other such number.
        """
        train = self.recipe.train
        left = train.steps - self.step
        for inputs, targets in self._training_batches(left) if left else ():
            self.optimizer.lr = self.lr()
            evaluated = self.step % train.eval_every == 0 or self.step == train.steps - 1
            if evaluated:
                self._evaluate(inputs, targets, on_evaluation, stopping)
            if stopping():
                raise KeyboardInterrupt
            self.is_consistent = False  # from the forward on, which updates running statistics
            watcher = self.watcher if evaluated else None
            self._set_dropout_step()
            _, loss = self.model(inputs, targets)
            self._losses.add(self.step, loss)
            gradients = self.model.backward()
            if watcher is not None:
                watcher.before_update(self.step, self.model, inputs, targets)
            norm = self.optimizer.step(gradients)
            del gradients  # or they were in memory while the next ones are computed
            if isinstance(norm, float):
                check_loss(self.step, norm, "the norm of the gradient")
            self.step += 1
            self.is_consistent = True
            if watcher is not None:
                watcher.after_update(self.model)
            on_step(loss)
        self.check_finite()

    def try_step(self) -> None:
        """Compute a step and forget it: a batch too large for the memory is found before an earlier run is lost."""
        inputs, targets = self.first_batch()
        with self.forgetting(), np.errstate(all="ignore"):
            self.model(inputs, targets)
            self.model.backward()

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """Put back the running statistics, whatever is computed inside; all that is drawn, is drawn by `step`."""
        buffers = {name: np.array(buffer) for name, buffer in to_numpy(buffers_of(self.model)).items()}
        self._set_dropout_step()
        try:
            yield
        finally:
            if buffers:
                self.model.load_buffers(buffers)

    def first_batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the batch of the current step."""
        return next(iter(self._training_batches(1)))

    def check_finite(self) -> None:
        """Raises Diverged if a loss, or a number of the model or the optimizer, is not finite."""
        self._losses.check()
        check_arrays(self.step, self._arrays())

    @property
    def tokens_per_step(self) -> float:
        """How many tokens one update learns to predict; with documents, on average."""
        model = self.recipe.model
        examples = self.dataset.train.examples(model.context_length, model.predicts_every_position)
        return self.recipe.train.batch_size * examples.targets_per_row

    def lr(self) -> float:
        """Return the learning rate of the current step."""
        how = self.recipe.optimizer
        return warmed_up(how.schedule, how.warmup, how.lr, self.step, self.recipe.train.steps)

    def sha256(self) -> str:
        """Return the SHA-256 of the parameters and the optimizer's moments, sorted by name."""
        return digests.of_arrays(to_numpy(self._arrays()))

    def split_loss(self, split: Any, stopping: Callable[[], bool] = lambda: False) -> float:
        """Return the loss on every target of a split; or on its first n_tokens // B batches, at least one; or on some
        that are drawn at random: as the recipe says."""
        return self._mean_loss(
            split, None if self.recipe.train.evaluation == "all" else self.batches_of(split), stopping
        )

    def batches_of(self, split: Any) -> int:
        """Return how many batches `split_loss` takes."""
        train = self.recipe.train
        if train.evaluation == "all":
            return sum(1 for _ in split.every_target(**self._windows()))
        n_batches = {
            "batches": max(1, split.n_tokens // train.batch_size),
            "drawn": train.eval_batches,
            "step": train.eval_batches,
        }
        return n_batches[train.evaluation]

    def _evaluate(
        self,
        inputs: Any,
        targets: Any,
        on_evaluation: Callable[[Evaluation, bool], None],
        stopping: Callable[[], bool],
    ) -> None:
        self.check_finite()
        if self.recipe.train.evaluation == "step":
            with evaluating(self.model):
                train_loss = float(self.model(inputs, targets)[1])
        else:
            train_loss = self._mean_loss(self.dataset.train, self.recipe.train.eval_batches, stopping)
        check_loss(self.step, train_loss, "train_loss")
        self.val_loss = check_loss(self.step, self.split_loss(self.dataset.val, stopping), "val_loss")
        sha256 = self.sha256() if self.recipe.model.precision == STRICT else ""
        evaluation = Evaluation(self.step, train_loss, self.val_loss, self.optimizer.lr, sha256)
        on_evaluation(evaluation, self.val_loss < self.best_val_loss)
        self.best_val_loss = min(self.best_val_loss, self.val_loss)

    def _set_dropout_step(self) -> None:
        """Let a model with dropout draw that of this step, whatever it did before."""
        if hasattr(self.model, "dropout_step"):
            self.model.dropout_step = self.step

    def _arrays(self) -> dict[str, Any]:
        return {**self.model.parameters(), **buffers_of(self.model), **state_of(self.optimizer)}

    def _mean_loss(self, split: Any, n_batches: int | None, stopping: Callable[[], bool]) -> float:
        """Return the mean loss of the first batches, or of all if None, summed in order in float64.

        With `all` each target has the same weight, with the others each batch.
        """
        evaluation, total, weights = self.recipe.train.evaluation, 0.0, 0
        if evaluation == "all":
            batches = split.every_target(**self._windows(), n_batches=n_batches)
        else:
            batches = self._first_batches(split, n_batches)
        with evaluating(self.model):
            for inputs, targets in batches:
                if stopping():
                    raise KeyboardInterrupt
                weight = targets.size if evaluation == "all" else 1
                total += float(self.model(inputs, targets)[1]) * weight
                weights += weight
        return total / weights

    def _first_batches(self, split: Any, n_batches: int | None) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """The batches of an evaluation: in order; or drawn, once, since every evaluation draws the same ones."""
        if self.recipe.train.evaluation == "batches":
            return split.batches(**self._windows(), steps=n_batches)
        if (split.name, n_batches) not in self._drawn:
            batches = split.batches(**self._windows(), steps=n_batches, seed=EVALUATION_SEED)
            self._drawn[split.name, n_batches] = list(batches)
        return self._drawn[split.name, n_batches]

    def _training_batches(self, steps: int) -> Any:
        train = self.recipe.train
        seed = train.seed if train.order == "random" else None
        return self.dataset.train.batches(**self._windows(), steps=steps, start=self.step, seed=seed)

    def _windows(self) -> dict[str, Any]:
        model = self.recipe.model
        return {
            "context_length": model.context_length,
            "batch_size": self.recipe.train.batch_size,
            "predicts_every_position": model.predicts_every_position,
        }
