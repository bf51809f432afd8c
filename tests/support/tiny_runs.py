"""A data set of a few names and a recipe that trains on it in a blink."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nnz.backend import registry
from nnz.commands.main import main
from nnz.pictures import of_run
from nnz.recipes.models import MODELS
from nnz.recipes.recipe import Recipe
from nnz.training.run import Run

NAMES = ("emma", "olivia", "ava", "isabella", "sophia", "mia", "charlotte", "amelia", "harper", "evelyn", "zoé")
BUILT = registry.available()


def data_folder(folder: Path) -> Path:
    """Write train.txt, val.txt and test.txt to a new folder and return it."""
    folder.mkdir()
    for split, first in (("train", 0), ("val", 2), ("test", 4)):
        lines = [NAMES[(first + i * (3 if split == "train" else 2)) % len(NAMES)] for i in range(11)]
        (folder / f"{split}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def tiny_recipe(data: Path, steps: int = 23, **settings: object) -> Recipe:
    """Return a recipe of 23 steps, evaluated at 0, 5, 10, 15, 20 and 22; `section__key=value` changes it."""
    recipe = Recipe(name="tiny")
    changes = {
        "data__name": str(data),
        "model__embedding_size": 5,
        "model__hidden_size": 11,
        "model__dtype": "float64",
        "optimizer__lr": 0.01,
        "train__batch_size": 7,
        "train__steps": steps,
        "train__eval_every": 5,
        "train__eval_batches": 3,
        "sample__count": 6,
        **settings,
    }
    has = MODELS[changes.get("model__kind", "mlp")].has
    for key, value in changes.items():
        name = key.replace("__", ".")
        if key in settings or has(name):
            recipe = recipe.override(name, value)
    return recipe


def train(
    recipe: Recipe, out: Path, backend: str = "numpy", resume: bool = False, watched: bool = False, drawn: bool = False
) -> Path:
    """Train into the folder `out` and return it. Watching and drawing a run takes longer than the run."""
    run = Run(recipe, backend, out, resume)
    if not watched:
        run.trainer.watcher = None
    with pytest.MonkeyPatch.context() as patch:
        if not drawn:
            patch.setattr(of_run, "draw", lambda *of_a_run: [])
        run.train()
    return out


def finished_run(place: Path) -> Path:
    """Fill the folder with few-names/, tiny.toml and run/, a finished run of 200 steps; return it."""
    settings = tiny_recipe(data_folder(place / "few-names"), data__windows="padded", train__steps=200)
    (place / "tiny.toml").write_text(settings.to_toml(), encoding="utf-8")
    train(settings, place / "run")
    return place


def nnz(capsys: Any, *words: object) -> tuple[int, str, str]:
    """Run the command in this process; return its exit code, stdout and stderr."""
    capsys.readouterr()
    code = main([str(word) for word in words])
    return code, *capsys.readouterr()
