"""What was measured, read from the JSON that `nnz parity` and `nnz bench` write; what is not in it is not known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from nnz.files import inputs
from nnz.numbers import precisions

from ..sources.places import PageError

PARITY, BENCH = Path("build/parity.json"), Path("build/bench.json")  # where `make site` leaves them
PACKAGED = Path(__file__).resolve().parents[1] / "figures"  # which come with nnz: `make reading-figures`
DTYPES = ("float32", "float64")


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


class Environment(msgspec.Struct):
    date: str
    cpu: str
    cores: int


class Measured(msgspec.Struct):
    ulp_of_largest: float | None = None
    share_of_bound: float | None = None


class Result(msgspec.Struct):
    level: str
    check: str
    dtype: str
    outcome: str
    measurements: list[Measured]


class Report(msgspec.Struct):
    backend: str
    results: list[Result]


class Parity(msgspec.Struct):
    """What is read of the JSON of `nnz parity`."""

    environment: Environment
    reports: list[Report]


class TimedOp(msgspec.Struct):
    name: str
    function: str
    dtype: str
    precision: str
    seconds: float
    share: float | None


class Step(msgspec.Struct):
    """A whole training step, in seconds."""

    name: str
    dtype: str
    threads: int
    step: float


class Bench(msgspec.Struct):
    """What is read of the JSON of `nnz bench`."""

    environment: Environment
    ops: list[TimedOp]
    timings: list[Step]


class Figures:
    """The figures of two files, either of which may be absent: then it says so, and gives None.

    Raises PageError for a file that cannot be read, or is not as the command writes it.
    """

    def __init__(self, parity: Path | None, bench: Path | None) -> None:
        self._parity, self._bench = _read(parity, Parity, "nnz parity"), _read(bench, Bench, "nnz bench")
        reports, ops = self._parity.reports if self._parity else [], self._bench.ops if self._bench else []
        self._results = {(of.backend, r.level, r.check, r.dtype): r for of in reports for r in of.results}
        self._times = {(op.name, op.function, op.dtype, op.precision): op for op in ops}
        self.graded, self.timed = _occasion(self._parity, parity), _occasion(self._bench, bench)

    def of(self, function: str, backend: str) -> list[Run]:
        """What is known of a function of the spec, or of "mlp", in each dtype."""
        return [Run(d, self._accuracy(function, backend, d), self.time(function, backend, d)) for d in DTYPES]

    def steps(self) -> list[Step]:
        """The timings of whole training steps."""
        return self._bench.timings if self._bench else []

    def _accuracy(self, function: str, backend: str, dtype: str) -> Accuracy | None:
        result = self._results.get((backend, *_check(function), dtype))
        if result is None or not result.measurements:
            return None
        ulps, shares = ([getattr(m, key) for m in result.measurements] for key in ("ulp_of_largest", "share_of_bound"))
        if None in (*ulps, *shares):
            return None
        return Accuracy(max(ulps), max(shares), result.outcome == "passed")

    def time(
        self, function: str, backend: str, dtype: str = "float32", precision: str = precisions.NATIVE
    ) -> Time | None:
        """How long the function takes in a training step; None if it was not measured."""
        timing = self._times.get((backend, function, dtype, precision))
        return timing and Time(1e3 * timing.seconds, timing.share)


def found(given: Path | None, measured: Path) -> Path:
    """The file of figures to show: the one given, else the one measured here, else the one that comes with nnz."""
    return given or (measured if measured.is_file() else PACKAGED / measured.name)


def _check(function: str) -> tuple[str, str]:
    """The level and the check that grade a function."""
    if function == "mlp":
        return "mlp", "loss and gradients"
    op, _, way = function.rpartition("_")
    ways = {"forward": (op, "forward"), "backward": (function, "backward"), "step": (op, "one step")}
    return ways.get(way, (function, function))


def _read(path: Path | None, content: type, command: str) -> Any:
    if path is None:
        return None
    try:
        return inputs.read_json(path, content)
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}" if error.strerror else error
        raise PageError(f"{problem}; leave it out, or write it again") from error
    except ValueError as error:
        raise PageError(f"{path} is not as {command} --json writes it: {error}; write it again") from error


def _occasion(content: Parity | Bench | None, path: Path | None) -> str:
    """When, and on what; empty if nothing was measured."""
    if content is None:
        return ""
    whose = " (comes with nnz, not measured on this machine)" if path.parent == PACKAGED else ""
    return f"{content.environment.date}, {content.environment.cpu}, {content.environment.cores} cores{whose}"
