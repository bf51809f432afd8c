"""The result of a grading, as data and as JSON for programs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from .bounds.compare import Measurement

PASSED, FAILED, NOT_THERE = "passed", "failed", "not there"


@dataclass(frozen=True)
class Result:
    """One check in one dtype; the measurements have the largest figures of each tensor."""

    level: str
    check: str
    dtype: str
    outcome: str  # PASSED, FAILED or NOT_THERE
    reason: str
    measurements: tuple[Measurement, ...]
    because: str = ""  # the level or check whose failure explains this one
    cause: str = ""  # the likely mistake
    where: str = ""  # file:line and function
    note: str = ""  # why the result may mislead: code of another backend ran

    @property
    def name(self) -> str:
        """As an xfail file names it: level/check[dtype]."""
        return f"{self.level}/{self.check}[{self.dtype}]"

    @property
    def passed(self) -> bool:
        return self.outcome == PASSED

    def to_json(self) -> dict[str, Any]:
        measured = [{f.name: getattr(m, f.name) for f in fields(m) if f.name != "tensors"} for m in self.measurements]
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"name": self.name, **own, "measurements": measured}


@dataclass(frozen=True)
class Report:
    """All results of one backend. `origin` says which files ran, `borrowed` whose code else, `sha256` of what sources.

    `error` says why the backend could not be imported, `error_where` in which line.
    """

    backend: str
    results: tuple[Result, ...]
    origin: dict[str, Any] = field(default_factory=dict)
    borrowed: tuple[str, ...] = ()
    error: str = ""
    error_where: str = ""
    seconds: float = 0.0
    sha256: str = ""
    few_shapes: bool = False  # whether it asked for few
    skipped: tuple[str, ...] = ()  # levels that it need not have and does not; they are not among the points

    @property
    def failed(self) -> tuple[Result, ...]:
        """What is there and wrong."""
        return tuple(r for r in self.results if r.outcome == FAILED)

    @property
    def missing(self) -> tuple[Result, ...]:
        """What is not there."""
        return tuple(r for r in self.results if r.outcome == NOT_THERE)

    @property
    def met(self) -> int:
        return sum(r.passed for r in self.results)

    @property
    def asked(self) -> int:
        return len(self.results)

    @property
    def ok(self) -> bool:
        """Everything that was asked is met, and something was asked."""
        return self.met == self.asked and self.asked > 0

    @property
    def points(self) -> dict[str, tuple[int, int]]:
        """(met, asked) of each level."""
        levels: dict[str, list[bool]] = {}
        for result in self.results:
            levels.setdefault(result.level, []).append(result.passed)
        return {level: (sum(passed), len(passed)) for level, passed in levels.items()}

    def first_to_mend(self, excused: frozenset[str] = frozenset()) -> Result | None:
        """The first failure that no other one explains; without failures, the first that is not there."""
        failed, missing = ([r for r in group if r.name not in excused] for group in (self.failed, self.missing))
        news = [r for r in failed if not r.because]
        return next(iter([*news, *failed, *missing]), None)

    def summary(self) -> str:
        """As "41 of 47"."""
        return f"{self.met} of {self.asked}"

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers; a figure that is infinite or NaN is null."""
        first = self.first_to_mend()
        mistake = (
            {"name": first.name, "reason": first.reason, "cause": first.cause, "where": first.where} if first else {}
        )
        mistake = {**mistake, "reason": self.error, "where": self.error_where} if self.error else mistake
        head = {"backend": self.backend, "summary": self.summary(), "met": self.met, "asked": self.asked, "ok": self.ok}
        head |= {"points": self.points, "first_mistake": mistake, "seconds": self.seconds, "sha256": self.sha256}
        tail = {"error": self.error, "origin": self.origin, "borrowed": self.borrowed, "skipped": self.skipped}
        tail |= {"few_shapes": self.few_shapes}
        return _plain({**head, **tail, "results": [r.to_json() for r in self.results]})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
