"""Checkpoints: one safetensors file that any backend writes and any backend reads.

Parameters and buffers have their own names and torch's layout, the optimizer's arrays are `m.<name>` and `v.<name>`;
everything else is text in the file's metadata. Nothing in such a file is ever executed, and no bit of it can change
unnoticed: the metadata hold the SHA-256 of the parameters, and one of all the rest.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.model import not_finite
from ..files import inputs, tensor_file
from ..files.atomic import replacing
from ..files.errors import quoted
from ..numbers import digests
from ..recipes import from_recipe
from ..recipes.recipe import Recipe, loads
from ..text import tokenizers

FORMAT = "nnz-checkpoint-1"
NUMBERS = ("step", "t", "val_loss", "best_val_loss")
METADATA = {"recipe", "config", "tokenizer", "backend", "dtype", "data", "printed", *NUMBERS, *digests.KEYS}


@dataclass
class Checkpoint:
    """A model at the beginning of `step`; with the optimizer's arrays and its step count `t`, training can continue."""

    recipe: Recipe
    tokenizer: Any
    backend: str
    step: int
    parameters: dict[str, np.ndarray]
    buffers: dict[str, np.ndarray] = field(default_factory=dict)
    optimizer: dict[str, np.ndarray] = field(default_factory=dict)
    t: int = 0
    val_loss: float = float("nan")  # of the last evaluation
    best_val_loss: float = float("inf")  # of the evaluations before `step`
    data: str = ""  # the fingerprint of the data set
    printed: str = ""  # the results printed so far; they include the test loss if and only if the run is finished

    @property
    def is_imported(self) -> bool:
        """Whether `nnz import` wrote it: neither its optimizer nor the text that it was trained on is known."""
        return not (self.data or self.step)


def save(path: str | os.PathLike, checkpoint: Checkpoint) -> None:
    """Write the checkpoint; at any moment the file is the old one or the new one, never a part. Raises OSError."""
    metadata, model = _metadata(checkpoint), {**checkpoint.parameters, **checkpoint.buffers}
    metadata |= digests.of(metadata, model, checkpoint.optimizer)
    with replacing(Path(path)) as temporary:
        tensor_file.write(temporary, {**model, **checkpoint.optimizer}, metadata)


def load(path: str | os.PathLike, finite: bool = False) -> Checkpoint:
    """Read a checkpoint; check its names, shapes and dtypes against its recipe, and its contents against its hashes.

    Raises OSError for a file that cannot be read, ValueError for one that is not a whole checkpoint of this format,
    and with `finite` what `check_finite` raises.
    """
    try:
        metadata, arrays = tensor_file.read(Path(path), _check)
        checkpoint = _from_metadata(metadata)
        parameters, buffers = _shapes(checkpoint)
        checkpoint.parameters = {name: arrays.pop(name) for name in parameters}  # in their own order
        checkpoint.buffers = {name: arrays.pop(name) for name in buffers}
        checkpoint.optimizer = arrays
        digests.check(metadata, checkpoint.parameters | checkpoint.buffers, checkpoint.optimizer)
    except ValueError as error:
        raise ValueError(f"{path} is not a whole {FORMAT} file: {error}; take another, or train again") from error
    if finite:
        check_finite(path, checkpoint.parameters | checkpoint.buffers | checkpoint.optimizer)
    return checkpoint


def check_finite(path: str | os.PathLike, arrays: Mapping[str, Any]) -> None:
    """Raises ValueError that names the file, or the folder, if one of its arrays contains an infinity or a NaN."""
    name = not_finite(arrays)
    if name is not None:
        raise ValueError(f"{path}: {name} is not finite: its training diverged; take another, or train again")


def to_numpy(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays as numpy arrays; those on a CPU are not copied."""
    return {name: np.asarray(a.cpu() if hasattr(a, "cpu") else a) for name, a in arrays.items()}


def _metadata(checkpoint: Checkpoint) -> dict[str, str]:
    return {
        "format": FORMAT,
        "recipe": checkpoint.recipe.name,
        "config": checkpoint.recipe.to_toml(),
        "tokenizer": json.dumps(checkpoint.tokenizer.to_config(), ensure_ascii=False),
        "backend": checkpoint.backend,
        "dtype": checkpoint.recipe.model.dtype,
        "step": str(checkpoint.step),
        "t": str(checkpoint.t),
        "val_loss": repr(float(checkpoint.val_loss)),
        "best_val_loss": repr(float(checkpoint.best_val_loss)),
        "data": checkpoint.data,
        "printed": checkpoint.printed,
    }


def _from_metadata(metadata: dict[str, str]) -> Checkpoint:
    """Return the checkpoint without its arrays. Raises ValueError if something is missing or not as it should be."""
    if metadata.get("format") != FORMAT:
        raise ValueError(f"its format is {quoted(metadata.get('format'))}")
    if missing := METADATA - metadata.keys():
        raise ValueError(f"its metadata lack {min(missing)!r}")
    tokenizer = inputs.parse_json(metadata["tokenizer"], dict[str, Any])
    recipe = loads(metadata["config"], metadata["recipe"])
    if "evaluation" not in tomllib.loads(metadata["config"]).get("train", {}):  # from build/mlp when it had only one
        recipe = recipe.override("train.evaluation", "batches")
    return Checkpoint(
        recipe=recipe,
        tokenizer=tokenizers.from_config(tokenizer),
        backend=metadata["backend"],
        step=_count(metadata, "step"),
        parameters={},
        t=_count(metadata, "t"),
        val_loss=float(metadata["val_loss"]),
        best_val_loss=float(metadata["best_val_loss"]),
        data=metadata["data"],
        printed=metadata["printed"],
    )


def _count(metadata: dict[str, str], name: str) -> int:
    text = metadata[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise ValueError(f"its {name} is {quoted(text)}")
    return int(text)


def _shapes(checkpoint: Checkpoint) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """The names and shapes of the parameters, and of the buffers."""
    sizes = checkpoint.recipe, checkpoint.tokenizer.vocab_size
    return from_recipe.parameter_shapes(*sizes), from_recipe.buffer_shapes(*sizes)


def _check(metadata: dict[str, str], found: dict[str, tuple[str, tuple[int, ...]]]) -> None:
    """Raises ValueError unless the file has its recipe's parameters and buffers, and all of its moments or none."""
    checkpoint = _from_metadata(metadata)
    dtype = tensor_file.DTYPES[checkpoint.recipe.model.dtype]
    parameters, buffers = _shapes(checkpoint)
    expected = {name: (dtype, shape) for name, shape in (parameters | buffers).items()}
    moments = from_recipe.moment_shapes(checkpoint.recipe, checkpoint.tokenizer.vocab_size)
    if moments.keys() & found.keys():
        expected |= {name: (dtype, shape) for name, shape in moments.items()}
    if missing := expected.keys() - found.keys():
        raise ValueError(f"it lacks {min(missing)!r}")
    if foreign := found.keys() - expected.keys():
        raise ValueError(f"it holds {quoted(min(foreign))}, which its recipe does not know")
    for name, (got, shape) in found.items():
        if (got, shape) != expected[name]:
            raise ValueError(f"{name!r} is {got} {shape} where its recipe has {dtype} {expected[name][1]}")
