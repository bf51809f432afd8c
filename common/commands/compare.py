"""Print samples of the untrained and of the trained model side by side.

The initial weights are drawn again from the seed in the checkpoint; both models draw with the same random numbers.
"""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Iterator
from typing import Any

from ..files.errors import UsageError, refusing
from .flags import whole
from .sample import add_sampling_arguments, check_sampling, how_to_draw

EXAMPLES = """\
  nnz compare runs/names-c
  nnz compare runs/names-c --count 5 --seed 7
"""
COLUMN = 36  # cells of a terminal: two columns fit into 80
MAX_LINES = 8  # of a sample: an untrained model may never end a line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_sampling_arguments(parser)
    parser.add_argument("--count", type=whole, metavar="N", help="samples of each model; default: 10, or 2 long ones")
    parser.add_argument("--tokens", type=whole, metavar="N", help="draw exactly N tokens; default: as the run does")
    parser.add_argument("--data", metavar="NAME", help="the run's data set, file or folder, if it has moved")


def run(arguments: argparse.Namespace) -> None:
    """Compare. Raises Refusal."""
    with refusing():
        check_sampling(arguments)
        from ..runs import load_model, sampling

        checkpoint = load_model.find(arguments.run, arguments.best)
        recipe = checkpoint.recipe
        if arguments.data is not None:
            recipe = checkpoint.recipe = recipe.override("data.name", arguments.data)
        elif checkpoint.is_imported:
            raise UsageError(f"{arguments.run} was imported, and does not say on what text; name one with --data")
        else:
            load_model.refuse_missing_data(recipe)
        dataset = _dataset(checkpoint)
        models = [load_model.build(checkpoint, arguments.backend, data) for data in (dataset, None)]
    samples = []
    for model in models:
        sampler = sampling.of_recipe(model, checkpoint.tokenizer, recipe, **how_to_draw(arguments))
        samples.append(_samples(sampler, recipe, arguments))
    heads = [("untrained", _title(checkpoint)), _val_losses(models, dataset, recipe)]
    _print(heads, list(zip(*samples, strict=True)))


def _print(heads: list[tuple[str, str]], samples: list[tuple[str, str]]) -> None:
    """Print the samples in pairs, with an empty line before each if some of them take several lines."""
    pairs = [side_by_side(*pair) for pair in samples]
    gap = side_by_side("", "") if any(len(lines) > 1 for lines in pairs) else []
    for lines in [*(side_by_side(*head) for head in heads), *([*gap, *pair] for pair in pairs)]:
        print("\n".join(lines))


def _title(checkpoint: Any) -> str:
    if checkpoint.recipe.optimizer.name == "none":
        return "counted"
    if checkpoint.is_imported:
        return "imported"
    return f"after {checkpoint.step:,} step{'s' * (checkpoint.step != 1)}"


def _dataset(checkpoint: Any) -> Any:
    from ..recipes import from_recipe
    from ..text.tokenizers import KINDS, same_vocabulary

    name = checkpoint.recipe.data.name
    if checkpoint.tokenizer.to_config()["kind"] not in KINDS:  # it came with the model, whatever the text
        return from_recipe.dataset(checkpoint.recipe, checkpoint.tokenizer)
    try:
        dataset = from_recipe.dataset(checkpoint.recipe)
        same = same_vocabulary(dataset.tokenizer, checkpoint.tokenizer)
    except UsageError:
        raise
    except ValueError:  # its remedy may be another setting, and a run's settings are what they were
        same = False
    if not same:
        raise ValueError(f"{name} is not the text that the run was trained on; name that text with --data")
    return dataset


def _val_losses(models: list[Any], dataset: Any, recipe: Any) -> tuple[str, str]:
    """As they are printed, of each; with a bar if it takes more than a second."""
    from ..files.terminal import bar
    from ..training.loop import Trainer

    trainers = [Trainer(model, None, dataset, recipe) for model in models]
    batches = sum(trainer.batches_of(dataset.val) for trainer in trainers)
    with bar(batches, "batch", desc="val_loss", delay=1, leave=False) as shown:

        def count() -> bool:  # called before each batch; it never stops
            shown.update()
            return False

        losses = [trainer.split_loss(dataset.val, count) for trainer in trainers]
    untrained, trained = losses
    return f"val_loss {untrained:.6f}", f"val_loss {trained:.6f}"


def _samples(sampler: Any, recipe: Any, arguments: argparse.Namespace) -> list[str]:
    from ..numbers.rng import RNG

    rng = RNG(recipe.sample.seed if arguments.seed is None else arguments.seed)
    length = recipe.sample.tokens or None if arguments.tokens is None else arguments.tokens
    count = arguments.count if arguments.count is not None else 2 if length else 10
    return [sampler.tokenizer.decode(list(tokens)) for tokens in sampler.samples(rng, count, tokens=length)]


def side_by_side(left: str, right: str) -> list[str]:
    """The lines of two columns: the right text is wrapped, the left one is cut to the height of the right one."""
    right_lines = list(_wrapped(right))
    height = min(len(right_lines), MAX_LINES)
    columns = _cut(list(_wrapped(left)), height), _cut(right_lines, height)
    return [f"{a}{' ' * (COLUMN - cells(a))} | {b}".rstrip() for a, b in zip(*columns, strict=True)]


def cells(text: str) -> int:
    """How many cells of a terminal the text takes: two for a wide character, none for a combining one."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _wrapped(text: str) -> Iterator[str]:
    """One line or more, each at most a column wide, broken at a space if there is one; a newline counts as a space."""
    rest = text.replace("\n", " ")
    while cells(rest) > COLUMN:
        most = next(n for n in range(len(rest), 0, -1) if cells(rest[:n]) <= COLUMN)
        end = rest.rfind(" ", 1, most + 1)
        end = most if end < 0 else end
        yield rest[:end]
        rest = rest[end:].removeprefix(" ")
    yield rest


def _cut(lines: list[str], height: int) -> list[str]:
    """The first `height` lines, the last of them ending in "…" if there were more; empty lines fill it up."""
    if len(lines) <= height:
        return lines + [""] * (height - len(lines))
    last = lines[height - 1]
    while cells(last) > COLUMN - 1:
        last = last[:-1]
    return [*lines[: height - 1], f"{last}…"]
