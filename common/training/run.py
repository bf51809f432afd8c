"""A run: from a recipe to a run folder, with the results on stdout and everything else on stderr."""

from __future__ import annotations

import dataclasses
import math
import shlex
import time
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..backend import registry
from ..backend.model import buffers_of
from ..backend.optimizers import is_resumable, state_of
from ..files.atomic import write_text
from ..files.terminal import Progress, StopSignals, is_one_of_several, note
from ..numbers import digests
from ..numbers.precisions import STRICT
from ..recipes import from_recipe
from ..recipes.recipe import Recipe
from ..runs import checkpoints
from ..runs.checkpoints import Checkpoint
from ..runs.folder import WITHOUT_RESUME, RunFolder, run_path
from ..runs.start_from import start_from
from ..text.datasets import Dataset
from ..text.summary import describe
from ..text.tokenizers import same_vocabulary
from . import finish
from .divergence import Diverged
from .loop import Evaluation, Trainer
from .watcher import Watcher

BETWEEN_SAVES = 1.0  # seconds, where each step is evaluated: a run that is killed does so much again


class Run:
    """A recipe ready to train on one backend: its folder, data and model, and the checkpoint it resumes from."""

    def __init__(
        self,
        recipe: Recipe,
        backend: str,
        out: Path | str | None = None,
        resume: bool = False,
        device: str = "cpu",
        threads: int | None = None,
        restart: bool = False,
    ) -> None:
        """Check everything that can be checked; then lock the folder, and only then change what is in it.

        A run in the folder is continued if `resume` says so, and replaced only if `restart` does. Raises what
        `registry.load`, `load_dataset`, `checkpoints.load` and `start_from` raise, OSError if `out` is not writable,
        FileExistsError if there is a run and neither says what to do with it, ValueError if the one to resume had other
        settings or other data."""
        self._nn, self.dataset, model = ready(recipe, backend, device, threads)
        self.backend, self.recipe = backend, recipe.override("train.backend", backend)
        self.folder = RunFolder(run_path(out, recipe.name, backend))
        self._resumes = resume and self.folder.checkpoint.exists()
        if recipe.train.init and not self._resumes:
            note(start_from(recipe.train.init, model, recipe, self.dataset.tokenizer))
        optimizer = from_recipe.optimizer(self._nn, recipe, model)
        self.trainer = Trainer(model, optimizer, self.dataset, self.recipe)
        self._printed: list[str] = []  # the lines of results
        self._saved_step: int | None = None  # of the folder's checkpoint
        self._saved_at, self._best = -math.inf, None  # when it was; a best one that is not in the folder yet
        self._workers = getattr(model, "workers", None)
        self._writes = self._workers is None or self._workers.rank == 0  # one of the workers writes for all
        if self._writes:
            self.trainer.watcher = Watcher(self._nn, recipe, self.dataset.tokenizer.vocab_size, self.folder.statistics)
        try:
            self._begin(resume, restart)
        except BaseException:
            self.folder.lock.release()
            raise

    def train(self) -> None:
        """Train to the end, then sample, test and draw; after that the folder is free for another run.

        Raises KeyboardInterrupt if it was stopped, OSError if the folder is no longer writable, FloatingPointError if
        the training diverged.
        """
        with self.folder.lock if self._writes else nullcontext():
            try:
                self._train()
            except Diverged as error:
                step, path = self._saved_step, self.folder.path
                kept = "nothing was saved" if step is None else f"{path} keeps the checkpoint of step {step}"
                raise FloatingPointError(f"{error}; {kept}") from None
            except KeyboardInterrupt as stop:  # of a second signal, which lets nothing more be saved
                if str(stop) or self._saved_step is None:
                    raise
                message = f"stopped at once; the same command with --resume continues in {self.folder.path}"
                raise KeyboardInterrupt(message) from None

    def _train(self) -> None:
        steps, start, began = self.recipe.train.steps, self.trainer.step, time.perf_counter()
        if self._writes and start == 0:
            for line in describe(self.dataset, self.recipe.model.context_length):
                note(line)
        before = self._nn.strict_tally() if self.recipe.model.precision == STRICT else (0, 0)
        bar = Progress(steps, start, self.trainer.tokens_per_step, self._writes)
        with np.errstate(all="ignore"), StopSignals() as signals, bar as progress:  # divergence is reported by the run

            def stopping() -> bool:
                progress.wait()
                return self._agree(signals.requested)

            try:
                self.trainer.run(
                    lambda evaluation, is_best: self._record(evaluation, is_best, progress), progress.advance, stopping
                )
                self._save()
                if self._agree(signals.requested):  # during the last update
                    raise KeyboardInterrupt
            except KeyboardInterrupt:
                raise KeyboardInterrupt(self._stopped()) from None
        seconds = time.perf_counter() - began
        if self._workers is not None:
            self._workers.part()
        if self._writes:
            note(f"{steps - start:,} steps in {seconds:.1f} s")
            if self.recipe.model.precision == STRICT:
                self._note_tally(before)
            self._finish()

    def _finish(self) -> None:
        """Sample, test and save; then draw the pictures, which a signal does not interrupt but a second one does."""
        try:
            results = finish.results(self.trainer, self.folder)
            self._printed += results.lines
            self._save()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(self._how_to_go_on()) from None
        path = self.folder.path
        try:
            with StopSignals():
                finish.draw(self.trainer, self.folder, results)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"all but the pictures is in {path}; nnz plot {shlex.quote(str(path))} draws them"
            ) from None
        self._note_best()

    def _note_best(self) -> None:
        """Say where val was best, unless that is where the run ends."""
        log = self.folder.read_log()
        step, _, best = min(log, key=lambda row: row[2])
        if step == 0 and best < log[-1][2]:
            note("val_loss never fell below that of step 0, before the training: is there too little text for it?")
        elif best < log[-1][2]:
            note(f"best val at step {step:,}; nnz sample {shlex.quote(str(self.folder.path))} --best")

    def _note_tally(self, before: tuple[int, int]) -> None:
        now = self._nn.strict_tally()
        rounded, summed = (count - earlier for count, earlier in zip(now, before, strict=True))
        note(f"strict: of {rounded:,} products and sums, {summed:,} were too near a midpoint of float32s for float64")

    def _agree(self, stop: bool) -> bool:
        """Tell whether any of the run's workers is to stop: they stop together or not at all."""
        return stop if self._workers is None else self._workers.agree(stop)

    def _begin(self, resume: bool, restart: bool) -> None:
        if self._writes:
            self.folder.hold()  # until `train` is done
        if self._resumes:
            self._resume_from(checkpoints.load(self.folder.checkpoint, finite=True))
        if restart:
            self.trainer.try_step()
        if self._workers is not None:  # before an earlier run is cleared away
            start = self.recipe.to_toml(), self.dataset.fingerprint, self.trainer.step
            self._workers.hold_alike((*start, digests.of_arrays(checkpoints.to_numpy(self.trainer.model.parameters()))))
        if self._writes:
            if not self._resumes:
                self._start_new(resume, restart)
            write_text(self.folder.config, self.recipe.to_toml())

    def _start_new(self, resume: bool, restart: bool) -> None:
        found = self.folder.clear(restart, WITHOUT_RESUME if resume else None)
        if resume:
            note(f"{self.folder.path} holds no checkpoint to resume; starting at step 0")
        if found:
            note(f"{self.folder.path} holds an earlier run; its files are replaced")
        self.folder.start_log()

    def _resume_from(self, checkpoint: Checkpoint) -> None:
        train = self.recipe.train
        goes_on = goes_on_from(checkpoint, self.recipe, self.dataset, self.folder.path)
        if not is_resumable(self.trainer.optimizer):
            raise ValueError(f"{self.folder.path} cannot be continued: {self._not_resumable()}; {WITHOUT_RESUME}")
        trainer, self._saved_step = self.trainer, checkpoint.step
        trainer.model.load_parameters(checkpoint.parameters)
        if checkpoint.buffers:
            trainer.model.load_buffers(checkpoint.buffers)
        trainer.optimizer.load_state(checkpoint.optimizer, checkpoint.t)
        trainer.step, trainer.val_loss = checkpoint.step, checkpoint.val_loss
        trainer.best_val_loss = checkpoint.best_val_loss
        if not self._writes:
            return
        where = checkpoint.step, train.eval_every, train.steps
        self._printed = checkpoint.printed.splitlines()[: len(self.folder.log_before(*where)) - 1]
        trainer.watcher.resume_from(*where)
        if goes_on:
            self._save()  # while the log has every line that it needs, also the last one of the shorter run
        self.folder.truncate_log(*where)
        note(f"{self.folder.path}: going on from step {checkpoint.step}")
        if goes_on and self.recipe.optimizer.schedule != "constant":
            note(
                f"the {self.recipe.optimizer.schedule} schedule now ends at step {train.steps}, and the learning rate "
                f"goes on at {trainer.lr():.3g}: not the run that {train.steps} steps from the start give"
            )

    def _record(self, evaluation: Evaluation, is_best: bool, progress: Progress) -> None:
        if not self._writes:
            return
        progress.line(evaluation.line())
        self._printed.append(evaluation.line())
        self.folder.append_log(evaluation.csv())
        is_due = self.recipe.train.evaluation != "step" or time.monotonic() > self._saved_at + BETWEEN_SAVES
        if is_due:
            self._save()
        if is_best:
            model = self.trainer.model
            held = {"parameters": _copies(model.parameters()), "buffers": _copies(buffers_of(model))}
            self._best = dataclasses.replace(self._checkpoint(), **held, optimizer={})
        if is_due:  # not before the checkpoint: a folder with a best model alone would look like one that lost a run
            self._save_best()

    def _save(self) -> None:
        """Write the checkpoint. The trainer must have found it finite."""
        if not self._writes:
            return
        self.folder.sync_log()
        if self.trainer.watcher is not None:
            self.trainer.watcher.save()
        self._save_best()
        checkpoints.save(self.folder.checkpoint, self._checkpoint())
        self._saved_step, self._saved_at = self.trainer.step, time.monotonic()

    def _save_best(self) -> None:
        """Write the best of the models since the last checkpoint: none of them is evaluated again when resuming."""
        if self._best is not None:
            checkpoints.save(self.folder.best, self._best)
            self._best = None

    def _stopped(self) -> str:
        """Save a checkpoint of the current step, unless an update was interrupted; return the message."""
        if self.trainer.is_consistent:
            self.trainer.check_finite()
            self._save()
        return self._how_to_go_on()

    def _how_to_go_on(self) -> str:
        if not is_resumable(self.trainer.optimizer):
            return f"stopped at step {self.trainer.step}, and cannot be continued: {self._not_resumable()}"
        said = f"stopped at step {self.trainer.step}; the same command with --resume continues in {self.folder.path}"
        if is_one_of_several():  # torchrun starts them
            return said
        return f"{said}, or: {resume_command(self.folder.path, self.backend)}"

    def _not_resumable(self) -> str:
        kind = type(self.trainer.optimizer).__name__
        return f"{self.backend}.{kind} has no state() and load_state(), which nnz.backend.optimizers.{kind} has"

    def _checkpoint(self) -> Checkpoint:
        trainer = self.trainer
        return Checkpoint(
            recipe=self.recipe,
            tokenizer=self.dataset.tokenizer,
            backend=self.backend,
            step=trainer.step,
            parameters=checkpoints.to_numpy(trainer.model.parameters()),
            buffers=checkpoints.to_numpy(buffers_of(trainer.model)),
            optimizer=checkpoints.to_numpy(state_of(trainer.optimizer)),
            t=getattr(trainer.optimizer, "t", trainer.step),
            val_loss=trainer.val_loss,
            best_val_loss=trainer.best_val_loss,
            data=self.dataset.fingerprint,
            printed="".join(f"{line}\n" for line in self._printed),
        )


def _copies(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in checkpoints.to_numpy(arrays).items()}


def ready(recipe: Recipe, backend: str, device: str, threads: int | None) -> tuple[ModuleType, Dataset, Any]:
    """Load the backend and the data, and make the model: what fails here, fails before any folder changes.

    Raises what `registry.load`, `load_dataset` and `from_recipe.model` raise.
    """
    nn = registry.load(backend)
    device = registry.choose_device(nn, device, threads, large=recipe.model.predicts_every_position)
    dataset = from_recipe.dataset(recipe)
    for split in (dataset.train, dataset.val, dataset.test):
        split.sliding_windows(recipe.model.context_length)  # refuses a text that is too short
    from_recipe.check_batch(recipe, dataset.tokenizer.vocab_size)
    model = from_recipe.model(nn, recipe, dataset.tokenizer.vocab_size, device)
    from_recipe.fit(model, recipe, dataset)
    return nn, dataset, model


def recorded_output(folder: Path, recipe: Recipe, backend: str) -> str | None:
    """Return all that the finished run in `folder` printed; None if there is none of this recipe, backend and data.

    A file that is not a valid checkpoint counts as none. Raises what `load_dataset` raises.
    """
    try:
        checkpoint = checkpoints.load(RunFolder(folder).checkpoint)
        same_settings(checkpoint.recipe, recipe, folder)
    except (OSError, ValueError):
        return None
    lines = checkpoint.printed.splitlines() or [""]
    finished = lines[0].split()[:2] == ["step", "0"] and lines[-1].startswith(("test_loss ", f"{digests.KEYS[0]} "))
    if not finished or checkpoint.backend != backend or not same_data(checkpoint, from_recipe.dataset(recipe)):
        return None
    return checkpoint.printed


def same_data(checkpoint: Checkpoint, dataset: Dataset) -> bool:
    """Tell whether the data set is that of the checkpoint, wherever it is now."""
    same_tokens = checkpoint.data == dataset.fingerprint
    return same_tokens and same_vocabulary(checkpoint.tokenizer, dataset.tokenizer)


def goes_on_from(checkpoint: Checkpoint, recipe: Recipe, dataset: Dataset, path: Path) -> bool:
    """Tell whether the recipe has more steps than the run in the folder `path` had.

    Raises ValueError unless training can continue from its checkpoint: with the same settings, and on the same text.
    """
    refuse_imported(checkpoint, path)
    steps, recorded = recipe.train.steps, checkpoint.recipe
    goes_on = steps > recorded.train.steps
    same_settings(recorded.override("train.steps", steps) if goes_on else recorded, recipe, path)
    if not same_data(checkpoint, dataset):
        name, its = recipe.data.name, recorded.data.name
        that = "that one" if its == name else f"that one, {its}"
        raise ValueError(f"{name} is not the text that {path} was trained on; name {that}, or, {WITHOUT_RESUME}")
    return goes_on


def refuse_imported(checkpoint: Checkpoint, path: Path | str) -> None:
    """Raises ValueError for a model that `nnz import` wrote, whose optimizer and text are not known."""
    if checkpoint.is_imported:
        raise ValueError(
            f"{path} was imported, and has no training to continue; start a new run with its weights: "
            f"nnz train gpt --init {path} --data YOUR-TEXT --out NEW-FOLDER"
        )


def same_run(folder: Path, recipe: Recipe) -> None:
    """Raises ValueError if the folder holds a run that the recipe does not continue, also one of fewer steps."""
    if (path := RunFolder(folder).checkpoint).exists():
        checkpoint = checkpoints.load(path)
        refuse_imported(checkpoint, folder)
        same_settings(checkpoint.recipe, recipe, folder)


def same_settings(recorded: Recipe, asked: Recipe, path: Path) -> None:
    """Raises ValueError unless both recipes give the same run; the backend and the names of recipe and data may differ.

    Whether the text is the same, `same_data` tells.
    """
    differing = {}
    for section, field, before in recorded.items():
        after = getattr(getattr(asked, section), field)
        if before != after and (section, field) != ("train", "backend"):
            differing[f"{section}.{field}"] = f"{section}.{field} = {before!r}, not {after!r}"
    if differing.keys() <= {"data.name"}:
        return
    has_more = differing.keys() == {"train.steps"} and asked.train.steps > recorded.train.steps
    remedy = "more steps by --steps" if has_more else "the same settings"
    own = f"{resume_command(path, recorded.train.backend)} asks for its own"
    had = f"the run in {path} had {'; '.join(differing.values())}"
    raise ValueError(f"{had}; ask for {remedy}; {own}; or, {WITHOUT_RESUME}")


def resume_command(path: Path, backend: str) -> str:
    """The command that continues the run in a folder, which knows its recipe; a module must be named each time."""
    named = f" --backend {backend}" if backend and backend not in registry.names() else ""
    return f"nnz train --resume {shlex.quote(str(path))}{named}"
