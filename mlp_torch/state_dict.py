"""A model's weights as torch keeps them on disk."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import torch

from nnz.files import inputs
from nnz.files.atomic import checked_stream, replacing

MARK = "nnz"  # an empty record of the file, which says who wrote it


def write(path: Path, model: Any) -> None:
    """Write {name: tensor} of parameters and buffers, for torch.load(path, weights_only=True). Raises OSError.

    A model that has a `state_dict()` names them itself.
    """
    arrays = model.state_dict() if hasattr(model, "state_dict") else model.parameters() | model.buffers()
    path.parent.mkdir(parents=True, exist_ok=True)
    content = BytesIO()  # torch.save tells of a full disk in words of its own
    torch.save({name: torch.as_tensor(array).cpu() for name, array in arrays.items()}, content)
    with ZipFile(content, "a") as archive:
        archive.writestr(ZipInfo(f"{archive.namelist()[0].partition('/')[0]}/{MARK}"), "")  # torch.load passes it by
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def is_replaceable(path: Path) -> bool:
    """Tell whether nothing is there but what `write` wrote. Raises OSError."""
    if not path.exists() or checked_stream(path):
        return True
    try:
        with inputs.open_file(path) as file, ZipFile(file) as archive:
            return any(name.endswith(f"/{MARK}") for name in archive.namelist()[-1:])
    except (BadZipFile, NotImplementedError, ValueError, struct.error):  # what zipfile raises for a damaged one
        return False
