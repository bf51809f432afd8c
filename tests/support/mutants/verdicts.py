"""Whether the check that is meant for a mutant finds it, and whether the same machinery lets the honest code pass."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from nnz.conformance import grading

from . import c_contract, in_tree, jobs, planting
from .compiling import Kernels
from .mutant import Mutant, level_of

CAUGHT, SURVIVED, BROKEN = "caught", "survived", "broken"


class Job(NamedTuple):
    """One mutant in one column of the matrix; without a mutant, the code as it is."""

    mutant: Mutant | None
    where: str

    @property
    def name(self) -> str:
        return f"{self.mutant.name if self.mutant else 'as it is'} [{self.where}]"


@dataclass(frozen=True)
class Finding:
    """What became of a job. BROKEN is neither: the mutant was never put to the test."""

    outcome: str
    how: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Court:
    """Where mutants are planted, and for each column the checks that the code as it is must pass."""

    scratch: Path
    kernels: Kernels | None
    controls: Mapping[str, Sequence[str]]

    def judge(self, job: Job) -> Finding:
        """Plant and check in this process, which must not be used again."""
        began = time.monotonic()
        try:
            outcome, how = self._common(job) if job.where == "common" else self._backend(job)
        except Exception:
            outcome, how = BROKEN, traceback.format_exc()
        return Finding(outcome, how, time.monotonic() - began)

    def planted(self, job: Job) -> ModuleType:
        """The backend with the bug in it."""
        return planting.backend(job.mutant, job.where, self.scratch, self.kernels)

    def _backend(self, job: Job) -> tuple[str, str]:
        nn = self.planted(job)
        for check in self._checks(job):
            if complaint := c_contract.CHECKS[check](nn) if check in c_contract.CHECKS else graded(nn, check):
                return CAUGHT, complaint
        planting.prove(nn.__name__, self.scratch / nn.__name__)
        return SURVIVED, ""

    def _common(self, job: Job) -> tuple[str, str]:
        tree = self.scratch / (job.mutant.name if job.mutant else "as_it_is")
        planting.planted("common", job.mutant.plants["common"] if job.mutant else None, tree / "nnz")
        planting.planted("numpy", None, tree / "nnz" / "numpy")
        command = [sys.executable, "-m", "support.mutants.in_tree", str(tree), *self._checks(job)]
        path = os.pathsep.join([str(tree), str(planting.ROOT / "tests")])
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
        outcome = {0: SURVIVED, in_tree.FOUND: CAUGHT}.get(done.returncode, BROKEN)
        return outcome, done.stdout + done.stderr if outcome == BROKEN else done.stdout.strip().split("\n")[-1]

    def _checks(self, job: Job) -> Sequence[str]:
        return self.controls[job.where] if job.mutant is None else [job.mutant.caught_by]


def graded(nn: ModuleType, check: str) -> str:
    """Why the backend fails in a level, with its first failure; empty if it passes."""
    level, dtypes = level_of(check)
    for dtype in dtypes:
        report = grading.grade(nn, [level], [dtype])
        if report.missing:
            raise AssertionError(f"{report.missing[0].name} is not there: {report.missing[0].reason}")
        if report.failed:
            return f"{report.failed[0].name}: {report.failed[0].reason}"
    return ""


def found(answer: Finding | jobs.Died) -> Finding:
    """A process that a signal ended was caught in the act; one that ran too long was not."""
    if isinstance(answer, Finding):
        return answer
    if answer.code in (-9, -15) or answer.code >= 0:
        return Finding(BROKEN, f"the process ended with {answer.code}")
    return Finding(CAUGHT, f"signal {-answer.code}")
