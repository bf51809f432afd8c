"""What a grading found, for programs; report_table.py prints it for people."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from .bounds.compare import Measurement

PASSED, FAILED, NOT_THERE = "passed", "failed", "not there"


@dataclass(frozen=True)
class Result:
    """One check in one dtype; the measurements hold the largest figures met, per tensor."""

    level: str
    check: str
    dtype: str
    outcome: str  # PASSED, FAILED or NOT_THERE
    reason: str
    measurements: tuple[Measurement, ...]
    note: str = ""  # why to read it with care: what it builds on failed, or another backend's code ran

    @property
    def name(self) -> str:
        """As an xfail file names it: level/check[dtype]."""
        return f"{self.level}/{self.check}[{self.dtype}]"

    @property
    def passed(self) -> bool:
        return self.outcome == PASSED


@dataclass(frozen=True)
class Report:
    """All results of one backend. `origin` says which files ran."""

    backend: str
    results: tuple[Result, ...]
    origin: dict[str, Any] = field(default_factory=dict)

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
        """Everything was met, and there was something to meet."""
        return self.met == self.asked and self.asked > 0

    def summary(self) -> str:
        """As "41 of 47"."""
        return f"{self.met} of {self.asked}"

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers; a figure that is infinite or NaN is null."""
        results = [{"name": r.name, **asdict(r)} for r in self.results]
        head = {"backend": self.backend, "summary": self.summary(), "met": self.met, "asked": self.asked, "ok": self.ok}
        return _plain({**head, "origin": self.origin, "results": results})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
