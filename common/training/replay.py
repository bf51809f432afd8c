"""A finished run, found again: what it printed can be printed again without training."""

from __future__ import annotations

from pathlib import Path

from ..numbers import digests
from ..recipes import from_recipe
from ..recipes.recipe import Recipe
from ..runs import checkpoints
from ..runs.folder import RunFolder
from .run import same_data, same_settings


def printed(folder: Path, recipe: Recipe, backend: str) -> str | None:
    """Return all that the finished run in `folder` printed, None if it holds none of this recipe, backend and data.

    What cannot be read as a checkpoint is no finished run. Raises what `load_dataset` raises.
    """
    try:
        checkpoint = checkpoints.load(RunFolder(folder).checkpoint)
        same_settings(checkpoint.recipe, recipe)
    except (OSError, ValueError):
        return None
    lines = checkpoint.printed.splitlines() or [""]
    whole = lines[0].split()[:2] == ["step", "0"] and lines[-1].startswith(("test_loss ", f"{digests.KEYS[0]} "))
    if not whole or checkpoint.backend != backend or not same_data(checkpoint, from_recipe.dataset(recipe)):
        return None
    return checkpoint.printed
