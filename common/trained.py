"""A trained model, found again: from a run folder or a checkpoint to something to sample from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import assembly, backends, checkpoints
from .checkpoints import Checkpoint
from .progress import note
from .run_folder import RunFolder


def find(run: str) -> Checkpoint:
    """Return the last checkpoint of a run folder, or the one in a .safetensors file.

    Raises FileNotFoundError if there is none, and what `checkpoints.load` raises.
    """
    path = Path(run)
    if path.is_dir():
        path = RunFolder(path).checkpoint
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint {path}; train first, or name another run")
    return checkpoints.load(path)


def build(checkpoint: Checkpoint, backend: str | None = None) -> tuple[Any, Any]:
    """Return the checkpoint's model untrained, as its seed draws it, and trained.

    The backend is the one named, else the one that wrote it, else the default one. Raises what `backends.load` raises.
    """
    nn = backends.load(backend or _recorded(checkpoint))
    recipe, vocab_size = checkpoint.recipe, checkpoint.tokenizer.vocab_size
    untrained, trained = (assembly.model(nn, recipe, vocab_size) for _ in range(2))
    trained.load_parameters(checkpoint.parameters)
    if checkpoint.buffers:
        trained.load_buffers(checkpoint.buffers)
        trained.eval(), untrained.eval()
    return untrained, trained


def _recorded(checkpoint: Checkpoint) -> str:
    """Return the backend that wrote the checkpoint, if it is one of ours and is here."""
    if checkpoint.backend in backends.available():
        return checkpoint.backend
    note(f"written by backend {checkpoint.backend!r}, which is not here; taking {backends.default()!r}")
    return backends.default()
