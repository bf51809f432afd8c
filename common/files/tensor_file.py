"""The safetensors format: written here, read by its own library.

8 bytes: the header's length N, little-endian; N bytes of JSON: name -> dtype, shape, offsets; then the arrays.
Written here because the library uses a temporary file with a name of its own, which stays behind if the process is
killed, and orders the metadata at random: here the same content always gives the same bytes.
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

from . import inputs
from .errors import quoted

DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64"}

# A thousand layers of any kind have at most 36,000 parameters and moments.
LONGEST_REASON = 300  # characters
MAX_HEADER, MAX_NAMES, MAX_PARTS = 2**24, 40_000, 300_000
PARTS = (b",", b"[", b"{", b"\\u002", b"\\u005", b"\\u007")  # also when a string in the text contains them
TEXT = re.compile(  # group 1 matches if the string is the name of an array or of a text
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
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of 8, so that they can be memory-mapped
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in little.values():
            file.write(array.reshape(-1).view(np.uint8).data)


def read(
    path: Path,
    check: Callable[[dict[str, str], dict[str, tuple[str, tuple[int, ...]]]], None],
    left_out: tuple[str, ...] = (),
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return the metadata and the arrays by name, after `check` has accepted the metadata and {name: (dtype, shape)}.

    Arrays whose names end in one of `left_out` are neither read nor checked. Raises OSError if the file cannot be read,
    ValueError if it is not a whole one, and what `check` raises.
    """
    from safetensors import SafetensorError, safe_open  # here: commands that read no checkpoint start faster

    check_header(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata, names = file.metadata() or {}, sorted(file.keys())
            views = {name: file.get_slice(name) for name in names if not name.endswith(left_out)}
            check(metadata, {name: (view.get_dtype(), tuple(view.get_shape())) for name, view in views.items()})
            return metadata, {
                name: _bfloat16(path, name) if view.get_dtype() == "BF16" else file.get_tensor(name)
                for name, view in views.items()
            }
    except SafetensorError as error:
        raise ValueError(str(error)[:LONGEST_REASON]) from error  # it may quote the header


def metadata(path: Path) -> dict[str, str]:
    """Return the metadata alone. Raises what `read` raises."""
    from safetensors import SafetensorError, safe_open

    check_header(path)
    try:
        with safe_open(path, framework="np") as file:
            return file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(str(error)[:LONGEST_REASON]) from error


def _bfloat16(path: Path, name: str) -> np.ndarray:
    """An array that numpy has no dtype for, as float32, of which it has the upper half of the bits."""
    with inputs.open_file(path) as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))[name]
        begin, end = entry["data_offsets"]
        file.seek(8 + length + begin)
        upper = np.frombuffer(file.read(end - begin), "<u2").astype(np.uint32)
    return (upper << 16).view(np.float32).reshape(entry["shape"])


def check_header(path: Path) -> None:
    """Check the header before the library reads it: the library has its own words for a missing file, takes the last
    of two entries with one name, and allocates whatever the header asks for.

    Raises OSError if the file cannot be read, ValueError for a header that no such file needs.
    """
    with inputs.open_file(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER:
            raise ValueError("its header is longer than 16 MiB")
        text = file.read(length)
        check_parts(text, file.seek(0, os.SEEK_END))
    if text[:1] != b"{":
        raise ValueError("its header does not begin with '{'")
    if sum(found[1] is not None for found in TEXT.finditer(text)) > MAX_NAMES:
        raise ValueError(f"its header holds more than {MAX_NAMES:,} names")
    try:
        json.loads(text, object_pairs_hook=_refuse_repetition)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None


def check_parts(text: bytes, size: int) -> None:
    """Raises ValueError if a JSON text has more parts than a file of `size` bytes can need: in memory each takes some
    hundred bytes."""
    if sum(map(text.count, PARTS)) > MAX_PARTS + size // 256:
        raise ValueError(f"its text has more than {MAX_PARTS:,} parts, out of proportion to its {size:,} bytes")


def _refuse_repetition(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{quoted(twice)} is twice in its header")
