"""Show the untrained and the trained model, sample beside sample.

The untrained one is drawn again from the seed that the checkpoint records; both get the same uniforms.
"""

from __future__ import annotations

import argparse
from typing import Any

from ..files.errors import refusing
from .columns import beside
from .sample import add_sampling_arguments, check_sampling, how_to_draw

EXAMPLES = """\
  nnz compare runs/names-c
  nnz compare runs/names-c --count 5 --seed 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_sampling_arguments(parser)
    parser.add_argument("--count", type=int, metavar="N", help="how many samples of each; default: 10, or 2 long ones")
    parser.add_argument("--data", metavar="NAME", help="where the run's data are now, if not where they were")


def run(arguments: argparse.Namespace) -> None:
    """Compare. Raises Refusal."""
    with refusing():
        check_sampling(arguments)
        from ..runs import load_model, sampling

        checkpoint = load_model.find(arguments.run)
        recipe = checkpoint.recipe
        if arguments.data is not None:
            recipe = checkpoint.recipe = recipe.override("data.name", arguments.data)
        dataset = _dataset(checkpoint)
        models = [load_model.build(checkpoint, arguments.backend, untrained) for untrained in (True, False)]
    heads, samples = [], []
    for title, model in zip(("untrained", _title(checkpoint)), models, strict=True):
        sampler = sampling.of_recipe(model, checkpoint.tokenizer, recipe, **how_to_draw(arguments))
        heads.append((title, _val_loss(model, dataset, recipe)))
        samples.append(_samples(sampler, recipe, arguments))
    _print(list(zip(*heads, strict=True)), list(zip(*samples, strict=True)))


def _print(heads: list[tuple[str, str]], samples: list[tuple[str, str]]) -> None:
    """Sample beside sample; where some take several lines, with an empty line before each."""
    pairs = [beside(*pair) for pair in samples]
    apart = [beside("", "")] if any(len(lines) > 1 for lines in pairs) else []
    for lines in [*(beside(*head) for head in heads), *(lines for pair in pairs for lines in [*apart, pair])]:
        print("\n".join(lines))


def _title(checkpoint: Any) -> str:
    if checkpoint.recipe.optimizer.name == "none":
        return "counted"
    return f"after {checkpoint.step:,} step{'s' * (checkpoint.step != 1)}"


def _dataset(checkpoint: Any) -> Any:
    from ..text.datasets import of_recipe

    data = checkpoint.recipe.data
    dataset = of_recipe(data)
    if dataset.tokenizer.to_config() != checkpoint.tokenizer.to_config():
        raise ValueError(f"{data.name} is not the text that the run was trained on; give the right one with --data")
    return dataset


def _val_loss(model: Any, dataset: Any, recipe: Any) -> str:
    from ..training.loop import Trainer

    return f"val_loss {Trainer(model, None, dataset, recipe).split_loss(dataset.val):.6f}"


def _samples(sampler: Any, recipe: Any, arguments: argparse.Namespace) -> list[str]:
    from ..numbers.rng import RNG

    rng = RNG(recipe.sample.seed if arguments.seed is None else arguments.seed)
    length = recipe.sample.tokens or None
    count = arguments.count if arguments.count is not None else 2 if length else 10
    return [sampler.tokenizer.decode(list(tokens)) for tokens in sampler.samples(rng, count, tokens=length)]
