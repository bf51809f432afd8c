"""A model's weights as torch keeps them on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from nnz.files.atomic import replacing


def write(path: Path, model: Any) -> None:
    """Write {name: tensor} of parameters and buffers, for torch.load(path, weights_only=True). Raises OSError.

    A model that has a `state_dict()` names them itself.
    """
    arrays = model.state_dict() if hasattr(model, "state_dict") else model.parameters() | model.buffers()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        torch.save({name: torch.as_tensor(array).cpu() for name, array in arrays.items()}, temporary)
