"""Golden files: the oracle's numbers for one small model, for comparison with an implementation in any language.

One safetensors file for each dtype. The weights have that dtype; all expected values are float64.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnz.backend import initial
from nnz.backend.schedules import SCHEDULES
from nnz.files import tensor_file
from nnz.files.atomic import replacing
from nnz.files.errors import quoted
from nnz.numbers.rng import RNG

from .oracle import mlp as oracle

FORMAT = "nnz-golden-1"
DTYPES = ("float32", "float64")
SIZES = {"B": 7, "T": 3, "E": 5, "H": 19, "V": 13}
STEPS, KEPT, RATE = 100, (1, 10, 100), 0.01
SETTINGS = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}
SEED = 1337
PARAMETERS = tuple(initial.mlp_shapes(1, 1, 1, 1))

Array = np.ndarray


@dataclass(frozen=True)
class Golden:
    """The contents of a file.

    `given`: the initial weights by name, `inputs` (S,B,T) and `targets` (S,B), int32, and `lr` (S,) of the S steps;
    `expected`: every tensor of oracle.mlp on the first batch by name, the `losses` (S,) before each step, and the state
    after the steps of KEPT: `1.wte`, `1.m.wte`, `1.v.wte`, ...
    """

    given: dict[str, Array]
    expected: dict[str, Array]
    metadata: dict[str, str]

    @property
    def weights(self) -> dict[str, Array]:
        """The initial weights, in their order."""
        return {name: self.given[name] for name in PARAMETERS}


def make(dtype: str, seed: int = SEED) -> Golden:
    """Compute the numbers. Raises what nnz.RNG raises for a seed."""
    rng = RNG(seed)
    B, T, E, H, V = (SIZES[letter] for letter in "BTEHV")
    given = initial.mlp_parameters(initial.mlp_shapes(V, T, E, H), rng, dtype)
    given["inputs"] = (rng.uniform(size=(STEPS, B, T)) * V).astype(np.int32)
    given["targets"] = (rng.uniform(size=(STEPS, B)) * V).astype(np.int32)
    given["lr"] = np.array([SCHEDULES["cosine"](RATE, step, STEPS) for step in range(STEPS)])
    metadata = {"format": FORMAT, "dtype": dtype, "seed": str(seed), "optimizer": "adamw", "schedule": "cosine"}
    metadata |= {key: repr(value) for key, value in {**SIZES, **SETTINGS, "lr": RATE, "steps": STEPS}.items()}
    return Golden(given, _expected(given), metadata)


def write(folder: Path, dtypes: Collection[str] = DTYPES, seed: int = SEED) -> list[Path]:
    """Make the folder and a file per dtype in it; return their paths. Raises OSError, and what `make` raises."""
    made = {dtype: make(dtype, seed) for dtype in dtypes}
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dtype, golden in made.items():
        arrays = {**golden.given, **golden.expected}
        widest_first = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))  # for alignment
        paths.append(path_of(folder, dtype))
        with replacing(paths[-1]) as temporary:
            tensor_file.write(temporary, widest_first, golden.metadata)
    return paths


def read(folder: Path, dtype: str) -> Golden:
    """Read a file back. Raises OSError, and ValueError if it is damaged, of another format, or lacks a tensor."""
    path = path_of(folder, dtype)

    def check(metadata: dict[str, str], found: dict[str, tuple[str, tuple[int, ...]]]) -> None:
        if (metadata.get("format"), metadata.get("dtype")) != (FORMAT, dtype):
            raise ValueError(f"it says {quoted(metadata.get('format'))} and {quoted(metadata.get('dtype'))}")
        if missing := sorted({*PARAMETERS, "inputs", "targets", "lr", "losses"} - found.keys()):
            raise ValueError(f"it lacks {missing[0]!r}")

    try:
        metadata, arrays = tensor_file.read(path, check)
    except ValueError as error:
        raise ValueError(f"{path} is not a whole {FORMAT} file: {error}") from error
    names = (*PARAMETERS, "inputs", "targets", "lr")
    return Golden({name: arrays.pop(name) for name in names}, arrays, metadata)


def path_of(folder: Path, dtype: str) -> Path:
    """The file of a dtype in a golden folder."""
    return folder / f"{FORMAT}-{dtype}.safetensors"


def _expected(given: dict[str, Array]) -> dict[str, Array]:
    weights = {name: given[name].astype(np.float64) for name in PARAMETERS}
    zeros = {name: np.zeros_like(p) for name, p in weights.items()}
    state = {name: (p, zeros[name], zeros[name]) for name, p in weights.items()}
    expected, losses = oracle.mlp(weights, given["inputs"][0], given["targets"][0]), []
    expected["loss"] = np.array([expected["loss"]])  # (1,): not every reader can read an array without axes
    for t, (inputs, targets, lr) in enumerate(zip(given["inputs"], given["targets"], given["lr"], strict=True), 1):
        values = oracle.mlp({name: p for name, (p, _, _) in state.items()}, inputs, targets)
        losses.append(values["loss"])
        for name, (p, m, v) in state.items():
            state[name] = oracle.adamw_step(p, values[f"d{name}"], m, v, t, lr, **SETTINGS)
        if t in KEPT:
            for name, arrays in state.items():
                expected |= {f"{t}.{key}{name}": a for key, a in zip(("", "m.", "v."), arrays, strict=True)}
    return {**expected, "losses": np.array(losses)}
