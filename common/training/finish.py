"""The end of a run: samples, the test loss and the pictures."""

from __future__ import annotations

from typing import NamedTuple

from ..backend.model import buffers_of, evaluating
from ..files.atomic import write_text
from ..files.terminal import note
from ..numbers import digests
from ..numbers.precisions import STRICT
from ..numbers.rng import RNG
from ..pictures import of_run
from ..recipes import microgpt
from ..runs import sampling
from ..runs.checkpoints import to_numpy
from ..runs.folder import RunFolder
from ..runs.statistics import Statistics
from .divergence import check_loss
from .loop import Trainer


class Results(NamedTuple):
    """The lines that were printed, and what the pictures need of them."""

    lines: list[str]
    samples: list[str]
    test_loss: float


def results(trainer: Trainer, folder: RunFolder) -> Results:
    """Print and save the samples, print the test loss; in a strict run also the model's hash.

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
    return Results([*samples, *last], samples, test_loss)


def draw(trainer: Trainer, folder: RunFolder, results: Results) -> None:
    """Draw the pictures. Raises OSError."""
    statistics = Statistics()
    if trainer.watcher is not None:
        trainer.watcher.record_test_loss(results.test_loss)
        statistics = trainer.watcher.statistics
    prompt = results.samples[0] if results.samples else ""
    tokenizer, parameters = trainer.dataset.tokenizer, to_numpy(trainer.model.parameters())
    attention = of_run.attention_of(trainer.model, tokenizer, prompt)
    paths = of_run.draw(trainer.recipe, tokenizer, parameters, folder.read_log(), statistics, folder, attention)
    note(f"pictures: {', '.join(map(str, paths))}")


def _samples(trainer: Trainer) -> list[str]:
    recipe, dataset = trainer.recipe, trainer.dataset
    how = recipe.sample
    sampler, rng = sampling.of_recipe(trainer.model, dataset.tokenizer, recipe), RNG(how.seed)
    if recipe.model.shape == "microgpt":
        rng = microgpt.drawn(recipe.train.seed, dataset, to_numpy(trainer.model.parameters()))
    if not how.new:
        return [
            dataset.tokenizer.decode(list(tokens))
            for tokens in sampler.samples(rng, how.count, tokens=how.tokens or None)
        ]
    samples = list(sampler.new_samples(rng, how.count, dataset.lines))
    if len(samples) < how.count:
        note(f"only {len(samples)} of {how.count} samples were new: the others were empty, known or repeated")
    return samples
