"""Show the untrained and the trained model, sample beside sample.

The untrained one is drawn again from the seed that the checkpoint records; both get the same uniforms.
"""

from __future__ import annotations

import argparse
import unicodedata
from typing import Any

from .command_sample import add_sampling_arguments, check_sampling, how_to_draw
from .errors import refusing

EXAMPLES = """\
  nnz compare runs/names-c
  nnz compare runs/names-c --count 5 --seed 7
"""
COLUMN = 36  # what an untrained model says may be long; two columns fit a terminal of 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_sampling_arguments(parser)
    parser.add_argument("--count", type=int, default=10, metavar="N", help="how many samples of each; default: 10")
    parser.add_argument("--data", metavar="NAME", help="where the run's data are now, if not where they were")


def run(arguments: argparse.Namespace) -> None:
    """Compare. Raises Refusal."""
    with refusing():
        check_sampling(arguments)
        from . import sampling, trained

        checkpoint = trained.find(arguments.run)
        recipe = checkpoint.recipe
        if arguments.data is not None:
            recipe = checkpoint.recipe = recipe.override("data.name", arguments.data)
        dataset = _dataset(checkpoint)
        models = trained.build(checkpoint, arguments.backend)
    columns = []
    for title, model in zip(("untrained", f"after {checkpoint.step:,} steps"), models, strict=True):
        sampler = sampling.of_recipe(model, checkpoint.tokenizer, recipe, **how_to_draw(arguments))
        columns.append([title, _val_loss(model, dataset, recipe), *_samples(sampler, recipe, arguments)])
    for left, right in zip(*columns, strict=True):
        print(f"{_fit(left)} | {_fit(right).rstrip()}".rstrip())


def _dataset(checkpoint: Any) -> Any:
    from .datasets import of_recipe

    data = checkpoint.recipe.data
    dataset = of_recipe(data)
    if dataset.tokenizer.to_config() != checkpoint.tokenizer.to_config():
        raise ValueError(f"{data.name} is not the text that the run was trained on; give the right one with --data")
    return dataset


def _val_loss(model: Any, dataset: Any, recipe: Any) -> str:
    from .training import Trainer

    return f"val_loss {Trainer(model, None, dataset, recipe).split_loss(dataset.val):.6f}"


def _samples(sampler: Any, recipe: Any, arguments: argparse.Namespace) -> list[str]:
    from .rng import RNG

    rng = RNG(recipe.sample.seed if arguments.seed is None else arguments.seed)
    return [sampler.tokenizer.decode(list(sampler.sample(rng))) for _ in range(arguments.count)]


def _fit(text: str) -> str:
    """Cut or fill the text to the width of a column, counting wide characters as two and line ends as spaces."""
    text = " ".join(text.split("\n"))
    width = sum(map(_width, text))
    if width <= COLUMN:
        return text + " " * (COLUMN - width)
    while width > COLUMN - 1:
        width -= _width(text[-1])
        text = text[:-1]
    return text + "…" + " " * (COLUMN - 1 - width)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
