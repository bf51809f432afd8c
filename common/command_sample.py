"""Draw samples from a trained model, token by token as they come."""

from __future__ import annotations

import argparse
import sys

from .errors import ASKED_WRONGLY, refusing
from .recipe import Recipe
from .settings import integer, read

EXAMPLES = """\
  nnz sample runs/names-c
  nnz sample runs/names-c --prompt em --count 5 --temperature 0.8
  nnz sample runs/words-c --prompt "before we" --count 5
  nnz sample runs/names-c/best.safetensors --tokens 200 --seed 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_sampling_arguments(parser)
    add = parser.add_argument
    add("--prompt", default="", metavar="TEXT", help="what each sample begins with")
    add("--count", type=int, metavar="N", help="how many samples; default: 10, or 1 with --prompt or --tokens")
    add("--tokens", type=int, metavar="N", help="draw exactly N tokens, delimiters included")


def add_sampling_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the run, and how to draw from it."""
    add = parser.add_argument
    add("run", metavar="RUN", help="a run folder (its last checkpoint), or a .safetensors file")
    add("--temperature", type=float, metavar="X", help="below 1 bolder guesses, 0 always the likeliest token")
    add("--top-k", type=int, metavar="K", help="draw from the K likeliest tokens only; 0: from all")
    add("--seed", type=int, metavar="N", help="what the samples are drawn from")
    add("--backend", metavar="NAME", help="default: the one that wrote the checkpoint")


def run(arguments: argparse.Namespace) -> None:
    """Sample. Raises Refusal."""
    with refusing():
        check_sampling(arguments)
        from . import trained
        from .rng import RNG

        checkpoint = trained.find(arguments.run)
        _, model = trained.build(checkpoint, arguments.backend)
        sampler = trained.sampler(checkpoint, model, arguments.temperature, arguments.top_k)
    with refusing(ASKED_WRONGLY):
        checkpoint.tokenizer.refuse_unknown(arguments.prompt)
    rng = RNG(checkpoint.recipe.sample.seed if arguments.seed is None else arguments.seed)
    for _ in range(_count(arguments)):
        sys.stdout.write(arguments.prompt)
        tokens = sampler.sample(rng, arguments.prompt, arguments.tokens)
        for piece in checkpoint.tokenizer.pieces(tokens, arguments.prompt):
            sys.stdout.write(piece)
            sys.stdout.flush()
        sys.stdout.write("\n")


def check_sampling(arguments: argparse.Namespace) -> None:
    """Hold the numbers against the rules of a recipe's section `sample`. Raises UsageError."""
    recipe = Recipe()
    for key in ("count", "temperature", "top_k", "seed"):
        value = getattr(arguments, key, None)
        if value is not None:
            recipe = recipe.override(f"sample.{key}", value)
    if getattr(arguments, "tokens", None) is not None:
        read("--tokens", integer(0), arguments.tokens)


def _count(arguments: argparse.Namespace) -> int:
    if arguments.count is not None:
        return arguments.count
    return 1 if arguments.prompt or arguments.tokens is not None else 10
