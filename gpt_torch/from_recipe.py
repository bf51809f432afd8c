"""From the words of a recipe to a GPT that can be trained."""

from __future__ import annotations

from nnz.numbers.rng import RNG
from nnz.recipes.recipe import Recipe

from .config import GPTConfig
from .gpt import GPT
from .language_model import LanguageModel
from .optimizers import AdamW, Muon, Optimizer, is_inner
from .workers import Workers, own_device


def model(recipe: Recipe, vocab_size: int, device: str = "cpu") -> LanguageModel:
    """Return the recipe's GPT with the weights that its seed draws. Raises ValueError for sizes that do not fit."""
    train, device = recipe.train, own_device(device)
    gpt = GPT(_config(recipe, vocab_size), RNG(train.seed), device=device)
    how = {"autocast": train.autocast, "compile": train.compile, "deterministic": train.deterministic}
    workers = Workers(gpt, device)
    workers.shares(train.batch_size, train.parts)
    return LanguageModel(gpt, workers, parts=train.parts, seed=train.seed, **how)


def parameter_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of its parameters without building it. Raises ValueError for what makes no model."""
    return GPT.shapes(_config(recipe, vocab_size))


def moment_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of what the recipe's optimizer keeps. Raises ValueError for what makes no model."""
    shapes, muon = parameter_shapes(recipe, vocab_size), recipe.optimizer.name == "muon"
    squares = {name: shape for name, shape in shapes.items() if not (muon and is_inner(name, shape))}
    return {f"{moment}.{name}": s for moment, found in (("m", shapes), ("v", squares)) for name, s in found.items()}


def optimizer(recipe: Recipe, model: LanguageModel) -> Optimizer:
    """Return the recipe's optimizer of the model's parameters. Raises ImportError for one that torch does not have."""
    o = recipe.optimizer
    make = {"adamw": AdamW, "muon": Muon}[o.name]
    return make(dict(model.gpt.named_parameters()), o.lr, (0.9, o.beta2), o.weight_decay, o.decay, o.clip)


def _config(recipe: Recipe, vocab_size: int) -> GPTConfig:
    m = recipe.model
    make = {"course": GPTConfig, "gpt2": GPTConfig.gpt2}[m.shape]
    return make(
        vocab_size=vocab_size,
        context_length=m.context_length,
        n_layer=m.layers,
        n_head=m.heads,
        n_embd=m.embedding_size,
        dropout=m.dropout,
        embedding_dropout=m.embedding_dropout,
        attention=m.attention,
        dtype=m.dtype,
    )
