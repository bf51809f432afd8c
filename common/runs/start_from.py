"""Give a new model the weights of another run: on another text too, whose vocabulary is matched token by token."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..files.errors import UsageError
from ..recipes import from_recipe
from ..recipes.models import MODELS
from ..recipes.recipe import Recipe
from ..text.tokenizers import KINDS, Tokenizer
from . import load_model
from .checkpoints import to_numpy

MAY_DIFFER = ("dtype", "precision", "dropout", "embedding_dropout", "attention", "smoothing")  # of a model's settings
SHOWN = 10  # new tokens that the note lists


def start_from(run: str, model: Any, recipe: Recipe, tokenizer: Tokenizer) -> str:
    """Load the weights of `run` into the model, and return a line that counts the tokens.

    The rows of tokens that `run` does not know stay as they were drawn. Raises what `load_model.find` raises, and
    UsageError for a model of other sizes.
    """
    checkpoint = load_model.find(run, finite=True)
    if checkpoint.tokenizer.to_config()["kind"] not in KINDS:
        raise UsageError(f"{run} has a tokenizer that no text gives: training cannot start from it; take another run")
    _check_sizes(run, checkpoint.recipe, recipe)
    known = {token: row for row, token in enumerate(_tokens(run, checkpoint.tokenizer, tokenizer))}
    tokens = _tokens(run, tokenizer, tokenizer)
    rows = [row for row, token in enumerate(tokens) if token in known]
    their_rows = [known[tokens[row]] for row in rows]
    V, parameters = len(tokens), {}
    wider = from_recipe.parameter_shapes(recipe, V + 1)
    for name, mine in to_numpy(model.parameters()).items():
        depends = [n != wide for n, wide in zip(mine.shape, wider[name], strict=True)]  # axes with a row per token
        here = np.ix_(*(rows if of_tokens else range(n) for of_tokens, n in zip(depends, mine.shape, strict=True)))
        there = np.ix_(
            *(their_rows if of_tokens else range(n) for of_tokens, n in zip(depends, mine.shape, strict=True))
        )
        parameters[name] = mine.copy()
        parameters[name][here] = checkpoint.parameters[name][there]
    model.load_parameters(parameters)
    if checkpoint.buffers:
        model.load_buffers({name: b.astype(recipe.model.dtype) for name, b in checkpoint.buffers.items()})
    return _counts(run, [token for token in tokens if token not in known], V, len(known) - len(rows))


def _check_sizes(run: str, recorded: Recipe, asked: Recipe) -> None:
    """Raises UsageError unless both recipes describe the same model but for its vocabulary."""
    if asked.optimizer.name == "none":
        raise UsageError(f"--init means nothing to {asked.model.kind}, whose weights are not trained; leave it out")
    theirs, mine = dataclasses.asdict(recorded.model), dataclasses.asdict(asked.model)
    has = MODELS[recorded.model.kind].has
    differing = [key for key in theirs if key not in MAY_DIFFER and has(f"model.{key}") and theirs[key] != mine[key]]
    if differing:
        flags = " ".join(f"--set model.{key}={theirs[key]}" for key in differing)
        raise UsageError(f"{run} has a model of another shape; to start from it, add {flags}")


def _tokens(run: str, tokenizer: Tokenizer, asked: Tokenizer) -> list[str]:
    """The text of each token, in the order of its ids. Raises UsageError if one has words and the other characters."""
    config, kind = tokenizer.to_config(), asked.to_config()["kind"]
    if config["kind"] != kind:
        raise UsageError(f"{run} has tokens of kind {config['kind']!r}; add --set data.tokenizer={config['kind']}")
    return list(config["words" if kind == "word" else "characters"])


def _counts(run: str, new: list[str], V: int, unused: int) -> str:
    drawn = f"{len(new):,} are new and drawn" if len(new) != 1 else "1 is new and drawn"
    if new:
        drawn += f" ({', '.join(map(repr, new[:SHOWN]))}{', ...' if len(new) > SHOWN else ''})"
    return (
        f"{run}: {V - len(new):,} of {V:,} tokens start with its weights, {drawn}; {unused:,} of its own are not used"
    )
