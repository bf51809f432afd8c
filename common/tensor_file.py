"""The safetensors format: written here, read by its own library.

8 bytes: the header's length N, little-endian; N bytes of JSON: name -> dtype, shape, place; then the arrays.
Written here because the library goes through a temporary file with a name of its own, which a kill would leave behind,
and orders the metadata at random: here the same content always gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64"}


def write(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write arrays and metadata to `path`. Raises OSError, and KeyError for a dtype other than those of DTYPES."""
    little = {name: np.asarray(a, dtype=a.dtype.newbyteorder("<"), order="C") for name, a in arrays.items()}
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, array in little.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of 8, so that they can be mapped as they are
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in little.values():
            file.write(array.reshape(-1).view(np.uint8).data)


def read(
    path: Path, check: Callable[[dict[str, str], dict[str, tuple[str, tuple[int, ...]]]], None]
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return the metadata and the arrays by name, once `check` has let the metadata and {name: (dtype, shape)} pass.

    Raises OSError if the file cannot be read, ValueError if it is not a whole one, and what `check` raises.
    """
    from safetensors import SafetensorError, safe_open  # here: what reads no checkpoint starts faster

    with open(path, "rb"):
        pass  # the library would tell of a missing or locked file in words of its own
    try:
        with safe_open(path, framework="np") as file:
            _check_names(path)
            metadata, names = file.metadata() or {}, sorted(file.keys())
            views = {name: file.get_slice(name) for name in names}
            check(metadata, {name: (view.get_dtype(), tuple(view.get_shape())) for name, view in views.items()})
            return metadata, {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _check_names(path: Path) -> None:
    """Raises ValueError if a name stands twice in the header, of which the library would take the last one."""
    with open(path, "rb") as file:
        text = file.read(int.from_bytes(file.read(8), "little"))
    if text[:1] != b"{":
        raise ValueError("its header does not begin with '{'")
    json.loads(text, object_pairs_hook=_without_repetition)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    once = dict(pairs)
    if len(once) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in its header")
    return once
