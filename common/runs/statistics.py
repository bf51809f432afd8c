"""What a run records besides its losses, to show how it learned: at each evaluation, for the batch of that step.

It reads what the training step computed; no number of the training depends on it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.layer import Layer
from ..backend.layers import Tanh
from ..files import inputs
from ..files.atomic import replacing
from ..files.errors import quoted
from .checkpoints import to_numpy

BINS = 40  # of a histogram
SATURATED = 0.97  # above this |tanh| its slope is below 0.06, and hardly any gradient passes
SPREAD = 4  # how many standard deviations of the widest layer a histogram of gradients covers
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

Hidden = tuple[np.ndarray, np.ndarray]  # of a hidden layer: h, what its tanh gave, and dh, the gradient by h


def hidden_layers(model: Any) -> list[Hidden]:
    """(h, dh) of the model's hidden layers, first to last, as its last forward and backward computed them.

    A model without hidden layers has none, and so has one of another's backend that does not show them.
    """
    if hasattr(model, "intermediates") and "fc1.weight" in model.parameters():  # an MLP shows them itself
        try:
            tensors = model.intermediates()
        except NotImplementedError:  # a stub of nnz new-backend: the grade counts it, and a run can do without
            return []
        return [(tensors["h"], tensors["dh"])]
    layers = model.layers.modules() if isinstance(getattr(model, "layers", None), Layer) else ()
    tanhs = [layer for layer in layers if isinstance(layer, Tanh)]
    return [tuple(to_numpy({"h": t.as_array(t.h), "dh": t.as_array(t.dh)}).values()) for t in tanhs]


class Statistics:
    """The arrays of statistics.npz, by name.

    steps (n,): the evaluated steps. updates (n, P): the spread of the update of each weight matrix, divided by that of
    the matrix; `matrices` (P,) are their names. saturation, gradient_rms (n, L): of the tanh of each hidden layer. For
    the first and the last step, h_counts and dh_counts (2, L, BINS), over h_edges and dh_edges (2, BINS + 1). For a
    deep model, depth_gradients (4, L): gradient_rms at the start, with and without what `depth_names` says. test_loss.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}

    def before_update(self, step: int, parameters: dict[str, Any], hidden: list[Hidden]) -> dict[str, np.ndarray]:
        """Record the activations and gradients of `step`; return copies of the matrices before its update."""
        self._append("steps", step)
        self._append("saturation", [np.mean(np.abs(h) > SATURATED) for h, _ in hidden])
        self._append("gradient_rms", [root_mean_square(dh) for _, dh in hidden])
        for name, arrays, edges in (
            ("h", [h for h, _ in hidden], np.linspace(-1, 1, BINS + 1)),
            ("dh", [dh for _, dh in hidden], _edges([dh for _, dh in hidden])),
        ):
            counts = np.array([_counts(array, edges) for array in arrays]).reshape(len(hidden), BINS)
            self._first_and_last(f"{name}_counts", counts)
            self._first_and_last(f"{name}_edges", edges)
        return {name: p.copy() for name, p in to_numpy(parameters).items() if p.ndim == 2}

    def after_update(self, before: dict[str, np.ndarray], parameters: dict[str, Any]) -> None:
        """Record how far the update moved each matrix."""
        after = to_numpy(parameters)
        self.arrays["matrices"] = np.array(list(before))
        self._append("updates", [_ratio(after[name] - p, p) for name, p in before.items()])

    def truncate(self, step: int, eval_every: int, steps: int) -> None:
        """Keep what a run of so many steps records before `step`: a resumed run repeats the others, and one that goes
        on to more steps has no evaluation where it ended before."""
        recorded = self.arrays.get("steps", np.empty(0))
        kept = (recorded < step) & ((recorded % eval_every == 0) | (recorded == steps - 1))
        for name in LISTS:
            if name in self.arrays:
                self.arrays[name] = self.arrays[name][kept]

    def save(self, path: Path) -> None:
        """Write the file; the same content gives the same bytes. Raises OSError."""
        buffer = io.BytesIO()
        np.savez(buffer, **self.arrays)
        with replacing(path, lasting=False) as temporary:  # statistics are not worth waiting for the disk
            temporary.write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Statistics:
        """Read the file. Raises OSError, and ValueError if it is not such a file."""
        statistics, data = cls(), inputs.read_bytes(path, inputs.STATISTICS)
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
    """Raises ValueError unless they fit SHAPES: all those of AT_A_STEP, or none of them."""
    sizes: dict[str | int, int] = {}
    for name, array in arrays.items():
        shape = SHAPES.get(name)
        if shape is None or not isinstance(array, np.ndarray) or array.dtype.kind not in KINDS.get(name, "fi"):
            raise ValueError(f"it holds {quoted(name)}, which is not known so")
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
    """np.histogram, about ten times as fast; values beyond the edges count in the outermost bins."""
    places = (array.ravel() - edges[0]) * (BINS / (edges[-1] - edges[0]))
    places = places[~np.isnan(places)]
    return np.bincount(np.clip(places, 0, BINS - 1).astype(np.intp), minlength=BINS)


def _edges(gradients: list[np.ndarray]) -> np.ndarray:
    widest = max((float(np.std(dh, dtype=np.float64)) for dh in gradients), default=0.0)
    reach = SPREAD * widest if np.isfinite(widest) and widest else 1.0
    return np.linspace(-reach, reach, BINS + 1)
