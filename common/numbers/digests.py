"""The hashes in a checkpoint, so that no change of it goes unnoticed.

`parameters_sha256` is the hash of the bytes of the parameters (and of a model's running statistics), little-endian,
sorted by name: the same model has the same hash, whoever trained it. `sha256` is the hash of everything else: every
other entry of the metadata as key, zero byte, value, zero byte, sorted by key; then the moments, sorted by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

KEYS = ("parameters_sha256", "sha256")


def of(
    metadata: Mapping[str, str], parameters: Mapping[str, np.ndarray], moments: Mapping[str, np.ndarray]
) -> dict[str, str]:
    """Return both hashes by their keys."""
    texts = {**metadata, KEYS[0]: of_arrays(parameters)}
    digest = hashlib.sha256()
    for key in sorted(texts.keys() - {KEYS[1]}, key=str.encode):
        digest.update(f"{key}\0{texts[key]}\0".encode())
    _update(digest, moments)
    return {KEYS[0]: texts[KEYS[0]], KEYS[1]: digest.hexdigest()}


def of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the hash of the arrays' bytes, sorted by name."""
    digest = hashlib.sha256()
    _update(digest, arrays)
    return digest.hexdigest()


def check(metadata: Mapping[str, str], parameters: Mapping[str, np.ndarray], moments: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError that says what was changed, if one of the hashes is not that in the metadata."""
    found = of(metadata, parameters, moments)
    for key, what in zip(KEYS, ("its parameters", "its metadata or moments"), strict=True):
        if found[key] != metadata[key]:
            raise ValueError(f"{what} are not those that were saved ({key} is {found[key][:12]}...)")


def _update(digest: hashlib._Hash, arrays: Mapping[str, np.ndarray]) -> None:
    for _, array in sorted(arrays.items()):
        little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
        digest.update(little.reshape(-1).view(np.uint8).data)
