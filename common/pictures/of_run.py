"""All pictures of a run, drawn from the files in its folder: after training, and again by `nnz plot`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend.schedules import warmed_up
from ..runs.folder import RunFolder
from ..runs.statistics import Statistics
from . import layers, losses
from .attention import LONGEST, attention_maps
from .drawing import save, shown
from .embedding import embedding_map, token_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..recipes.recipe import Recipe


def draw(
    recipe: Recipe,
    tokenizer: Any,
    parameters: Mapping[str, np.ndarray],
    rows: list[tuple[int, float, float]],
    statistics: Statistics,
    folder: RunFolder,
    attention: tuple[np.ndarray, list[str]] | None = None,
) -> list[Path]:
    """Draw the pictures into the folder; return the files. Raises OSError.

    `rows` are those of the log, and `attention` comes from `attention_of`. Pictures without statistics are left out.
    """
    data = shown(Path(recipe.data.name).name).replace("$", r"\$")  # a title takes $ for the start of a formula
    title, test_loss = f"{recipe.name} on {data}, {recipe.train.backend}", statistics.arrays.get("test_loss")
    tested = None if test_loss is None else float(test_loss)
    losses.loss_curves(folder.plot, rows, title, tested, tokenizer.vocab_size)
    figures = {
        folder.embeddings: _map(tokenizer, parameters, title),
        folder.histograms: layers.histograms(statistics, title),
        folder.updates: layers.updates(statistics, title, _schedule(recipe)),
        folder.depth: layers.gradient_by_depth(statistics, title),
        folder.attention: None if attention is None else attention_maps(*attention, f"{title}: where each head looks"),
    }
    drawn = [folder.plot]
    for path, figure in figures.items():
        if figure is not None:
            save(figure, path)
            drawn.append(path)
    return drawn


def attention_of(model: Any, tokenizer: Any, prompt: str) -> tuple[np.ndarray, list[str]] | None:
    """Return the attention weights of the first tokens of the prompt, and their texts; None for a model without heads.

    Raises ValueError for a prompt that the tokenizer cannot encode.
    """
    if not hasattr(model, "attention_maps"):
        return None
    ids = [tokenizer.start, *tokenizer.encode(prompt)][:LONGEST]
    weights = model.attention_maps(np.array([ids]))
    return weights, [tokenizer.decode([i]) for i in ids[: weights.shape[-1]]]


def _schedule(recipe: Recipe) -> Callable[[int], float]:
    """The share of the full learning rate by step."""
    how = recipe.optimizer
    return lambda step: warmed_up(how.schedule, how.warmup, 1.0, step, recipe.train.steps)


def _map(tokenizer: Any, parameters: Mapping[str, np.ndarray], title: str) -> Figure | None:
    """The map of the first matrix, which has a row for each token; None if its numbers overflowed in training."""
    weight = np.asarray(next(iter(parameters.values())))
    if not np.isfinite(weight).all():
        return None
    names = token_names(tokenizer)
    letters = max(map(len, names)) == 1
    return embedding_map(
        weight, names, f"{title}: what it has learned of its {'letters' if letters else 'words'}", letters
    )
