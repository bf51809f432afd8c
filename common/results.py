"""What a finished run ends with: samples, the test loss and the plot."""

from __future__ import annotations

from . import plots
from .atomic import write_text
from .model import evaluating
from .progress import note
from .rng import RNG
from .run_folder import RunFolder
from .sampling import Sampler
from .training import Trainer


def finish(trainer: Trainer, folder: RunFolder) -> None:
    """Print and keep the samples, print the test loss, draw the plot. Raises OSError, FloatingPointError."""
    with evaluating(trainer.model):
        samples = _samples(trainer)
    write_text(folder.samples, "".join(f"{sample}\n" for sample in samples))
    for sample in samples:
        print(sample)
    test_loss = trainer.split_loss(trainer.dataset.test)
    print(f"test_loss {test_loss:.6f}", flush=True)
    recipe = trainer.recipe
    plots.loss_curves(folder.plot, folder.read_log(), f"{recipe.name}, {recipe.train.backend}", test_loss)
    note(f"loss curves: {folder.plot}")


def _samples(trainer: Trainer) -> list[str]:
    recipe, dataset = trainer.recipe, trainer.dataset
    how = recipe.sample
    sampler = Sampler(
        trainer.model, dataset.tokenizer, recipe.model.context_length, temperature=how.temperature, top_k=how.top_k
    )
    rng = RNG(how.seed)
    if not how.new:
        return [dataset.tokenizer.decode(list(sampler.sample(rng))) for _ in range(how.count)]
    samples = list(sampler.new_samples(rng, how.count, dataset.train.lines))
    if len(samples) < how.count:
        note(f"only {len(samples)} of {how.count} samples were new: the others were empty, known or given twice")
    return samples
