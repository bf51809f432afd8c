"""The weights in a folder of transformers: one safetensors file, or several that an index names."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from ..files import tensor_file
from ..files.errors import quoted
from .tokenizer_files import read_object

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
BUFFERS = (".attn.bias", ".attn.masked_bias")  # older versions saved their causal mask
FLOATS = ("F64", "F32", "F16", "BF16")


def read(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Return the file that says what there is, and the arrays by name, float16 and bfloat16 as they are there.

    Raises OSError if a file is missing, ValueError if one is not whole, holds anything but floating-point numbers, or
    is at odds with the index.
    """
    if (folder / WEIGHTS).exists():
        return folder / WEIGHTS, _arrays(folder / WEIGHTS)
    index = folder / INDEX
    if not index.exists():
        raise FileNotFoundError(
            f"{folder} has neither {WEIGHTS} nor {INDEX}; model.save_pretrained(folder) of transformers writes them"
        )
    found = {}
    for file, names in sorted(_files(index).items()):
        if not (folder / file).exists():
            raise FileNotFoundError(f"{folder} has no {file}, which {INDEX} names; take a whole folder")
        arrays = _arrays(folder / file)
        for name in sorted(names ^ arrays.keys()):
            if not name.endswith(BUFFERS):
                where = f"{INDEX} does not say so" if name in arrays else f"{INDEX} says that it is there"
                does = "holds" if name in arrays else "lacks"
                raise ValueError(f"{folder / file} {does} {quoted(name)}, and {where}; take a whole folder")
        found |= arrays
    return index, found


def _files(index: Path) -> dict[str, set[str]]:
    """The names of arrays by the file that holds them. Raises ValueError for an index that is wrong."""
    names = defaultdict(set)
    arrays = read_object(index).get("weight_map")
    for name, file in arrays.items() if isinstance(arrays, dict) else ():
        if not isinstance(file, str) or Path(file).name != file or not file.endswith(".safetensors"):
            raise ValueError(
                f"{index}: {quoted(name)} is in {quoted(str(file))}, which is no safetensors file of that folder"
            )
        names[file].add(name)
    if not names:
        raise ValueError(f"{index} has no weight_map, which says what file holds what; take a whole folder")
    return names


def _arrays(path: Path) -> dict[str, np.ndarray]:
    def check(_: dict[str, str], found: dict[str, tuple[str, tuple[int, ...]]]) -> None:
        for name, (dtype, _) in found.items():
            if dtype not in FLOATS:
                raise _NotWeights(f"{path}: {quoted(name)} is {dtype}; weights are floating-point numbers")

    try:
        return tensor_file.read(path, check, left_out=BUFFERS)[1]
    except _NotWeights:
        raise
    except ValueError as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}") from error


class _NotWeights(ValueError):
    """Of a file that is whole."""
