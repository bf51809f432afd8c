"""Load a trained model from a run folder or a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..backend import registry
from ..files import downloads
from ..files.terminal import note
from ..recipes import from_recipe
from ..recipes.recipe import Recipe
from ..text.datasets import Dataset
from . import checkpoints
from .checkpoints import Checkpoint
from .folder import RunFolder


def find(run: str, best: bool = False, finite: bool = False) -> Checkpoint:
    """Return the last checkpoint of a run folder, or its best one, or the one in a .safetensors file.

    Raises FileNotFoundError if there is none, and what `checkpoints.load` raises.
    """
    path = Path(run)
    if path.is_dir():
        path = RunFolder(path).best if best else RunFolder(path).checkpoint
    folder = path.parent
    is_theirs = path.name == "model.safetensors" or (Path(run) == folder and not path.exists())
    if is_theirs and (folder / "config.json").is_file():
        raise ValueError(
            f"{folder} is a folder of Hugging Face transformers; make a run of it with nnz import {folder}"
        )
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint {path}; train first, or name another run")
    try:
        return checkpoints.load(path, finite)
    except ValueError as error:
        if path.suffix == ".safetensors":
            raise
        raise ValueError(f"{path} is no checkpoint: name a run folder, or one of its .safetensors files") from error


def refuse_missing_data(recipe: Recipe) -> None:
    """Raises FileNotFoundError if the data of a recorded recipe is not where the recipe says."""
    name = recipe.data.name
    if name not in downloads.names() and not Path(name).exists():
        seen = "" if Path(name).is_absolute() else ", seen from the folder where it was trained"
        raise FileNotFoundError(f"the run's data was at {name}{seen}; there is none now: name its place with --data")


def build(checkpoint: Checkpoint, backend: str | None = None, untrained: Dataset | None = None) -> Any:
    """Return the checkpoint's model, trained; or `untrained`, with the weights that it had before it saw this data.

    The backend is the one named, else the one that wrote the checkpoint, else the default one. A GPT is put on CUDA, if
    there is one. Raises what `registry.load` raises.
    """
    nn = registry.load(backend or _recorded(checkpoint))
    recipe = checkpoint.recipe.override("train.compile", "auto")  # compiling is for training, and needs a compiler
    device = registry.choose_device(nn, large=True) if recipe.model.predicts_every_position else "cpu"
    model = from_recipe.model(nn, recipe, checkpoint.tokenizer.vocab_size, device, trains=False)
    if untrained is not None:
        if recipe.optimizer.name != "none":  # else it would be counted, which is its training
            from_recipe.fit(model, recipe, untrained)
    else:
        model.load_parameters(checkpoint.parameters)
        if checkpoint.buffers:
            model.load_buffers(checkpoint.buffers)
    if checkpoint.buffers:
        model.eval()
    return model


def _recorded(checkpoint: Checkpoint) -> str:
    """Return the backend that wrote the checkpoint, if it is one of ours and is installed."""
    is_ours = checkpoint.backend in registry.names()
    if is_ours and registry.loads(checkpoint.backend):  # importing torch takes long
        return checkpoint.backend
    default = registry.default()
    why = "is not available" if is_ours else "is used only where it is named, as by --backend"
    note(f"written by backend {checkpoint.backend!r}, which {why}; using {default!r}")
    return default
