"""What is recorded of a run besides its losses, so that one can see how it learned: at each evaluation, on that batch.

It is watched from outside, before and after the update; no number of the training depends on it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from ..files.atomic import replacing
from .checkpoints import on_host
from .hidden_layers import Hidden

BINS = 40  # of a histogram
SATURATED = 0.97  # from this |tanh| on its slope is below 0.06, and hardly any gradient passes
SPREAD = 4  # a histogram of gradients reaches so many standard deviations of the widest layer
LISTS = ("steps", "updates", "saturation", "gradient_rms")
SHAPES = {
    "steps": "n",
    "updates": "nP",
    "matrices": "P",
    "saturation": "nL",
    "gradient_rms": "nL",
    "h_counts": (2, "L", BINS),
    "dh_counts": (2, "L", BINS),
    "h_edges": (2, BINS + 1),
    "dh_edges": (2, BINS + 1),
    "depth_names": (4,),
    "depth_gradients": (4, "L"),
    "test_loss": (),
}
KINDS = {"matrices": "U", "depth_names": "U"}
AT_A_STEP = SHAPES.keys() - {"depth_names", "depth_gradients", "test_loss"}


class Statistics:
    """The arrays of statistics.npz, by name.

    steps (n,): when. updates (n, P): spread of an update of each weight matrix, against that of the matrix; `matrices`
    are their names. saturation, gradient_rms (n, L): of the tanh of each hidden layer. For the first and the last of
    the steps, h_counts and dh_counts (2, L, BINS), over h_edges and dh_edges (2, BINS + 1). For a deep model,
    depth_gradients (4, L), gradient_rms at the start, with and without what `depth_names` says; and test_loss.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}

    def before_update(self, step: int, parameters: dict[str, Any], hidden: list[Hidden]) -> dict[str, np.ndarray]:
        """Take down the activations and gradients of `step`; return the matrices as they are before its update."""
        self._append("steps", step)
        self._append("saturation", [np.mean(np.abs(layer.h) > SATURATED) for layer in hidden])
        self._append("gradient_rms", [root_mean_square(layer.dh) for layer in hidden])
        for name, arrays, edges in (
            ("h", [layer.h for layer in hidden], np.linspace(-1, 1, BINS + 1)),
            ("dh", [layer.dh for layer in hidden], _edges([layer.dh for layer in hidden])),
        ):
            counts = np.array([_counts(array, edges) for array in arrays]).reshape(len(hidden), BINS)
            self._first_and_last(f"{name}_counts", counts)
            self._first_and_last(f"{name}_edges", edges)
        return {name: p.copy() for name, p in on_host(parameters).items() if p.ndim == 2}

    def after_update(self, before: dict[str, np.ndarray], parameters: dict[str, Any]) -> None:
        """Take down how far the update has moved each matrix."""
        after = on_host(parameters)
        self.arrays["matrices"] = np.array(list(before))
        self._append("updates", [_ratio(after[name] - p, p) for name, p in before.items()])

    def cut(self, step: int) -> None:
        """Leave out what was taken down at `step` and after it: a resumed run does these steps again."""
        kept = int(np.sum(self.arrays.get("steps", np.empty(0)) < step))
        for name in LISTS:
            if name in self.arrays:
                self.arrays[name] = self.arrays[name][:kept]

    def save(self, path: Path) -> None:
        """Write the file; the same content gives the same bytes. Raises OSError."""
        held = io.BytesIO()
        np.savez(held, **self.arrays)
        with replacing(path, lasting=False) as temporary:  # to wait for the disk, pictures are not worth it
            temporary.write_bytes(held.getvalue())

    @classmethod
    def load(cls, path: Path) -> Statistics:
        """Read the file. Raises OSError, and ValueError if it is no such file."""
        statistics, data = cls(), Path(path).read_bytes()
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                if sum(member.file_size for member in file.zip.infolist()) > len(data):
                    raise ValueError("it unpacks to more than its own size")
                statistics.arrays = {name: file[name] for name in file.files}
            _check(statistics.arrays)
        except Exception as error:  # numpy and zipfile raise a dozen types for a file that is not whole
            raise ValueError(f"{path} is not a whole file of statistics: {error}; train again to have one") from error
        return statistics

    def _append(self, name: str, value: Any) -> None:
        row = np.array([value])
        self.arrays[name] = np.concatenate([self.arrays[name], row]) if name in self.arrays else row

    def _first_and_last(self, name: str, value: np.ndarray) -> None:
        first = self.arrays[name][0] if name in self.arrays else value
        self.arrays[name] = np.stack([first, value])


def _check(arrays: dict[str, Any]) -> None:
    """Raises ValueError unless they are those of SHAPES: all that are due at a step, or none."""
    sizes: dict[str | int, int] = {}
    for name, array in arrays.items():
        shape = SHAPES.get(name)
        if shape is None or not isinstance(array, np.ndarray) or array.dtype.kind not in KINDS.get(name, "fi"):
            raise ValueError(f"it holds {name!r}, which is not known so")
        if array.ndim != len(shape) or any(
            size != (sizes.setdefault(axis, size) if isinstance(axis, str) else axis)
            for axis, size in zip(shape, array.shape, strict=True)
        ):
            raise ValueError(f"{name!r} is {array.shape}, which does not fit {shape}")
    if missing := arrays.keys() & AT_A_STEP and AT_A_STEP - arrays.keys():
        raise ValueError(f"it lacks {min(missing)!r}")


def root_mean_square(array: np.ndarray) -> float:
    """sqrt(mean of array^2)"""
    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))


def _ratio(update: np.ndarray, parameter: np.ndarray) -> float:
    spread = float(np.std(parameter, dtype=np.float64))
    return float(np.std(update, dtype=np.float64)) / spread if spread else 0.0


def _counts(array: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """np.histogram with what lies beyond the edges counted in the outermost bins, some ten times as fast."""
    places = (array.ravel() - edges[0]) * (BINS / (edges[-1] - edges[0]))
    places = places[~np.isnan(places)]
    return np.bincount(np.clip(places, 0, BINS - 1).astype(np.intp), minlength=BINS)


def _edges(gradients: list[np.ndarray]) -> np.ndarray:
    widest = max((float(np.std(dh, dtype=np.float64)) for dh in gradients), default=0.0)
    reach = SPREAD * widest if np.isfinite(widest) and widest else 1.0
    return np.linspace(-reach, reach, BINS + 1)
