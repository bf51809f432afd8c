"""What was measured, read from the JSON that `nnz parity` and `nnz bench` write; what is not in it is not known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnz.files import inputs
from nnz.files.inputs import Number
from nnz.numbers import precisions

from ..sources.places import PageError

PARITY, BENCH = Path("build/parity.json"), Path("build/bench.json")  # where `make site` leaves them
PACKAGED = Path(__file__).resolve().parents[1] / "figures"  # which come with nnz: `make reading-figures`
DTYPES = ("float32", "float64")

# What the page needs of each file, as inputs.misfit takes it.
ENVIRONMENT = {"date": str, "cpu": str, "cores": Number}
MEASUREMENT = {"ulp_of_largest?": Number, "share_of_bound?": Number}
RESULT = {"level": str, "check": str, "dtype": str, "outcome": str, "measurements": [MEASUREMENT]}
PARITY_SHAPE = {"environment": ENVIRONMENT, "reports": [{"backend": str, "results": [RESULT]}]}
OP = {"name": str, "function": str, "dtype": str, "precision": str, "seconds": Number, "share?": Number}
TIMING = {"name": str, "dtype": str, "threads": Number, "step": Number}
BENCH_SHAPE = {"environment": ENVIRONMENT, "ops?": [OP], "timings?": [TIMING]}


@dataclass(frozen=True)
class Accuracy:
    """The largest error of a function's outputs, in ULP of the tensor's largest entry, and as a share of its bound."""

    ulp: float
    share: float
    passed: bool


@dataclass(frozen=True)
class Time:
    """Milliseconds of a training step that a function takes, and its share of all functions; None outside a step."""

    milliseconds: float
    share: float | None


@dataclass(frozen=True)
class Run:
    """The figures of one dtype; what was not measured is None."""

    dtype: str
    accuracy: Accuracy | None
    time: Time | None


class Figures:
    """The figures of two files, either of which may be absent: then it says so, and gives None."""

    def __init__(self, parity: Path | None, bench: Path | None) -> None:
        self._bench = _read(bench, BENCH_SHAPE, "nnz bench")
        graded = _read(parity, PARITY_SHAPE, "nnz parity")
        self._results = {
            (report["backend"], result["level"], result["check"], result["dtype"]): result
            for report in graded.get("reports", [])
            for result in report["results"]
        }
        self._times = {(t["name"], t["function"], t["dtype"], t["precision"]): t for t in self._bench.get("ops") or []}
        self.graded, self.timed = _occasion(graded, parity), _occasion(self._bench, bench)

    def of(self, function: str, backend: str) -> list[Run]:
        """What is known of a function of the spec, or of "mlp", in each dtype."""
        return [Run(d, self._accuracy(function, backend, d), self.time(function, backend, d)) for d in DTYPES]

    def steps(self) -> list[dict[str, Any]]:
        """The timings of whole training steps."""
        return self._bench.get("timings") or []

    def _accuracy(self, function: str, backend: str, dtype: str) -> Accuracy | None:
        result = self._results.get((backend, *_check(function), dtype))
        if result is None or not result["measurements"]:
            return None
        ulps, shares = ([m.get(key) for m in result["measurements"]] for key in ("ulp_of_largest", "share_of_bound"))
        if None in (*ulps, *shares):
            return None
        return Accuracy(max(ulps), max(shares), result["outcome"] == "passed")

    def time(
        self, function: str, backend: str, dtype: str = "float32", precision: str = precisions.NATIVE
    ) -> Time | None:
        """How long the function takes in a training step; None if it was not measured."""
        timing = self._times.get((backend, function, dtype, precision))
        return timing and Time(1e3 * timing["seconds"], timing.get("share"))


def found(given: Path | None, measured: Path) -> Path:
    """The file of figures to show: the one given, else the one measured here, else the one that comes with nnz."""
    return given or (measured if measured.is_file() else PACKAGED / measured.name)


def _check(function: str) -> tuple[str, str]:
    """The level and the check that grade a function."""
    if function == "mlp":
        return "mlp", "loss and gradients"
    op, _, way = function.rpartition("_")
    return {"forward": (op, "forward"), "backward": (function, "backward"), "step": (op, "one step")}[way]


def _read(path: Path | None, shape: dict[str, Any], command: str) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = inputs.read_json(path)
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}" if error.strerror else error
        raise PageError(f"{problem}; leave it out, or write it again") from error
    except ValueError as error:
        raise PageError(f"{path} is not JSON: {error}; write it again") from error
    if problem := inputs.misfit(content, shape):
        raise PageError(f"{path} is not as {command} --json writes it: {problem}; write it again")
    return content


def _occasion(content: dict[str, Any], path: Path | None) -> str:
    """When, and on what; empty if nothing was measured."""
    if not content:
        return ""
    environment = content["environment"]
    whose = " (comes with nnz, not measured on this machine)" if path.parent == PACKAGED else ""
    return f"{environment['date']}, {environment['cpu']}, {environment['cores']} cores{whose}"
