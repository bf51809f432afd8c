"""Draw samples from a trained model and print each token as soon as it is drawn."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..files.errors import ASKED_WRONGLY, UsageError, refusing
from .flags import check, decimal, whole

EXAMPLES = """\
  nnz sample runs/names-c
  nnz sample runs/names-c --prompt em --count 5 --temperature 0.8
  nnz sample runs/words-c --prompt "before we" --count 5
  nnz sample runs/names-c/best.safetensors --tokens 200 --seed 7
  nnz sample runs/names-c --ban xyz --stop nn
"""

BETWEEN_TEXTS = "---\n"  # of many lines each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_sampling_arguments(parser)
    add = parser.add_argument
    add("--prompt", default="", metavar="TEXT", help="what each sample begins with")
    add("--count", type=whole, metavar="N", help="number of samples; default: 10, or 1 with --prompt or --tokens")
    length = "default: to the end of the line, or 200 of a running text, unless the run's recipe says more"
    add("--tokens", type=whole, metavar="N", help=f"draw exactly N tokens, also past the end of a line; {length}")
    add("--stop", action="append", default=[], metavar="TEXT", help="end a sample before this text; may be repeated")
    add("--allow-unknown", action="store_true", help="draw <unk> too, the token of a model of words for rare words")
    add("--ban", default="", metavar="TOKENS", help="never draw these characters (or words, for a model of words)")


def add_sampling_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the run, and how to draw from it."""
    add = parser.add_argument
    add("run", metavar="RUN", help="a run folder (its last checkpoint), or a .safetensors file")
    add("--best", action="store_true", help="of a run folder, take the checkpoint with the lowest val_loss")
    add("--temperature", type=decimal, metavar="X", help="below 1 favours likely tokens; 0 takes the most likely")
    add("--top-k", type=whole, metavar="K", help="draw only from the K most likely tokens; 0: from all")
    add(
        "--top-p",
        type=decimal,
        metavar="P",
        help="of those, only from the most likely whose probabilities together reach P; 1: from all",
    )
    add("--seed", type=whole, metavar="N", help="seed of the random numbers")
    add("--backend", metavar="NAME", help="the backend to compute with; default: the one that wrote the checkpoint")


def run(arguments: argparse.Namespace) -> None:
    """Sample. Raises Refusal."""
    with refusing():
        check_sampling(arguments)
        if "" in arguments.stop:
            raise UsageError("--stop '' would end each sample before it begins; give a text")
        from ..numbers.rng import RNG
        from ..runs import load_model, sampling

        checkpoint = load_model.find(arguments.run, arguments.best)
        model = load_model.build(checkpoint, arguments.backend)
    with refusing(ASKED_WRONGLY):
        banned = _banned(checkpoint.tokenizer, arguments.ban)
        checkpoint.tokenizer.refuse_unknown(arguments.prompt)
    with refusing():
        how_drawn = {**how_to_draw(arguments), "banned": banned, "allow_unknown": arguments.allow_unknown}
        sampler = sampling.of_recipe(model, checkpoint.tokenizer, checkpoint.recipe, **how_drawn)
    how = checkpoint.recipe.sample
    rng, length = RNG(how.seed if arguments.seed is None else arguments.seed), arguments.tokens
    if length is None:
        length = how.tokens or None
    count = _count(arguments, length)
    for i, tokens in enumerate(sampler.samples(rng, count, arguments.prompt, length)):
        if i > 0 and checkpoint.tokenizer.delimiter is None:
            sys.stdout.write(BETWEEN_TEXTS)
        sys.stdout.write(arguments.prompt)
        pieces = checkpoint.tokenizer.pieces(tokens, arguments.prompt)
        for piece in sampling.until(pieces, arguments.stop):
            sys.stdout.write(piece)
            sys.stdout.flush()
        sys.stdout.write("\n")


def _banned(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Return the ids of the tokens in `text`. Raises ValueError if one is unknown, or none is left to draw."""
    tokenizer.refuse_unknown(text)
    banned = tuple(sorted(set(tokenizer.encode(text).tolist())))
    if len(banned) == tokenizer.vocab_size:
        raise ValueError("--ban names every token of the vocabulary; leave at least one that can be drawn")
    return banned


def check_sampling(arguments: argparse.Namespace) -> None:
    """Check the numbers by the rules of a recipe's section `sample`. Raises UsageError."""
    from ..recipes.recipe import Recipe

    recipe = Recipe()
    for key in ("count", "temperature", "top_k", "top_p", "seed"):
        value = getattr(arguments, key, None)
        if value is not None:
            recipe = recipe.override(f"sample.{key}", value)
    check("--tokens", getattr(arguments, "tokens", None), 0)


def how_to_draw(arguments: argparse.Namespace) -> dict[str, float]:
    """Return the settings that the command line gives; the rest is as the recipe has it."""
    asked = {key: getattr(arguments, key) for key in ("temperature", "top_k", "top_p")}
    return {key: value for key, value in asked.items() if value is not None}


def _count(arguments: argparse.Namespace, length: int | None) -> int:
    if arguments.count is not None:
        return arguments.count
    return 1 if arguments.prompt or length is not None else 10
