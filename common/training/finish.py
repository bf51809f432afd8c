"""The end of a run: samples, the test loss and the pictures."""

from __future__ import annotations

from pathlib import Path

from ..backend.model import buffers_of, evaluating
from ..files.atomic import write_text
from ..files.terminal import note
from ..numbers import digests
from ..numbers.precisions import STRICT
from ..numbers.rng import RNG
from ..pictures import of_run
from ..runs import sampling
from ..runs.checkpoints import to_numpy
from ..runs.folder import RunFolder
from ..runs.statistics import Statistics
from .divergence import check_loss
from .loop import Trainer


def finish(trainer: Trainer, folder: RunFolder) -> list[str]:
    """Print and save the samples, print the test loss (in a strict run also the model's hash), draw the pictures.

    Returns the lines that were printed.

    Raises OSError, FloatingPointError.
    """
    with evaluating(trainer.model):
        samples = _samples(trainer)
    write_text(folder.samples, "".join(f"{sample}\n" for sample in samples))
    for sample in samples:
        print(sample)
    test_loss = check_loss(trainer.step, trainer.split_loss(trainer.dataset.test), "test_loss")
    last = [f"test_loss {test_loss:.6f}"]
    if trainer.recipe.model.precision == STRICT:
        model = to_numpy({**trainer.model.parameters(), **buffers_of(trainer.model)})
        last.append(f"{digests.KEYS[0]} {digests.of_arrays(model)}")
    print("\n".join(last), flush=True)
    prompt = samples[0] if samples else ""
    note(f"pictures: {', '.join(map(str, _pictures(trainer, folder, test_loss, prompt)))}")
    return [*samples, *last]


def _pictures(trainer: Trainer, folder: RunFolder, test_loss: float, prompt: str) -> list[Path]:
    statistics = Statistics()
    if trainer.watcher is not None:
        trainer.watcher.record_test_loss(test_loss)
        statistics = trainer.watcher.statistics
    tokenizer, parameters = trainer.dataset.tokenizer, to_numpy(trainer.model.parameters())
    attention = of_run.attention_of(trainer.model, tokenizer, prompt)
    return of_run.draw(trainer.recipe, tokenizer, parameters, folder.read_log(), statistics, folder, attention)


def _samples(trainer: Trainer) -> list[str]:
    recipe, dataset = trainer.recipe, trainer.dataset
    how = recipe.sample
    sampler, rng = sampling.of_recipe(trainer.model, dataset.tokenizer, recipe), RNG(how.seed)
    if not how.new:
        return [
            dataset.tokenizer.decode(list(tokens))
            for tokens in sampler.samples(rng, how.count, tokens=how.tokens or None)
        ]
    samples = list(sampler.new_samples(rng, how.count, dataset.train.lines))
    if len(samples) < how.count:
        note(f"only {len(samples)} of {how.count} samples were new: the others were empty, known or repeated")
    return samples
