"""The safetensors format: written here, read by its own library.

8 bytes: the header's length N, little-endian; N bytes of JSON: name -> dtype, shape, place; then the arrays.
Written here because the library goes through a temporary file with a name of its own, which a kill would leave behind,
and orders the metadata at random: here the same content always gives the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64"}

# A thousand layers of whatever kind have 36,000 parameters and moments.
LONGEST_HEADER, MOST_NAMES, MOST_PARTS = 2**24, 40_000, 300_000
PARTS = (b",", b"[", b"{", b"\\u002", b"\\u005", b"\\u007")  # also where a text in the text writes them so
TEXT = re.compile(  # [1] is there if it is the name of an array or of a text
    rb'"(?:dtype|shape|data_offsets)"\s*+:|"[^"\\]*+(?:\\.[^"\\]*+)*+"(\s*+:)?+', re.DOTALL
)


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

    check_header(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata, names = file.metadata() or {}, sorted(file.keys())
            views = {name: file.get_slice(name) for name in names}
            check(metadata, {name: (view.get_dtype(), tuple(view.get_shape())) for name, view in views.items()})
            return metadata, {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def check_header(path: Path) -> None:
    """Look at the header before the library does: it tells of a missing file in words of its own, takes the last one
    where a name stands twice, and memory for whatever the header holds.

    Raises OSError if the file cannot be read, ValueError for a header that such a file has no use for.
    """
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER:
            raise ValueError("its header is longer than 16 MiB")
        text = file.read(length)
        check_parts(text, file.seek(0, os.SEEK_END))
    if text[:1] != b"{":
        raise ValueError("its header does not begin with '{'")
    if sum(found[1] is not None for found in TEXT.finditer(text)) > MOST_NAMES:
        raise ValueError(f"its header holds more than {MOST_NAMES:,} names")
    json.loads(text, object_pairs_hook=_refuse_repetition)


def check_parts(text: bytes, size: int) -> None:
    """Raises ValueError if a JSON text has more parts than a file of `size` bytes can need: each takes some hundred
    bytes once it is read."""
    if sum(map(text.count, PARTS)) > MOST_PARTS + size // 256:
        raise ValueError(f"its text has more than {MOST_PARTS:,} parts, out of proportion to its {size:,} bytes")


def _refuse_repetition(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{twice!r} stands twice in its header")
