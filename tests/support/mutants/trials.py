"""Each mutant is planted and checked; the unchanged code, planted in the same way, is the control and must pass."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from nnz.conformance import grading
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.report import FAILED, NOT_THERE

from . import MUTANTS, Mutant, c_contract, in_tree, planting, processes
from .compiling import Kernels
from .mutant import level_of

WORKERS = os.cpu_count() or 1

# One mutant for each way of being caught; all are quick.
QUICK = {
    "embedding_gradient_overwritten": ("numpy",),
    "bias_gradient_dropped": ("numpy", "c"),
    "linear_weight_in_bf16": ("numpy",),
    "linear_reads_rows_it_does_not_need": ("c",),
    "tanh_off_by_2e-6": ("numpy",),
    "loss_divided_by_B_minus_1": ("numpy",),
    "cache_of_the_largest_batch": ("numpy",),
    "adamw_eps_inside_the_root": ("numpy",),
    "adamw_decays_after_the_step": ("numpy",),
    "sampling_takes_an_equal_sum": ("common",),
}
CAUGHT, SURVIVED, BROKEN = "caught", "survived", "broken"


class Job(NamedTuple):
    """One mutant in one column of the matrix; without a mutant, the unchanged code."""

    mutant: Mutant | None
    where: str

    @property
    def name(self) -> str:
        return f"{self.mutant.name if self.mutant else 'as it is'} [{self.where}]"


@dataclass(frozen=True)
class Result:
    """The outcome of a job. BROKEN means that the mutant could not be tested."""

    outcome: str
    how: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Harness:
    """Plants mutants in `scratch`; `controls` are the checks that the unchanged code of a column must pass."""

    scratch: Path
    kernels: Kernels | None
    controls: Mapping[str, Sequence[str]]

    def run(self, job: Job) -> Result:
        """Plant and check, in a process that is not used for anything else."""
        began = time.monotonic()
        try:
            outcome, how = self._common(job) if job.where == "common" else self._backend(job)
        except Exception:
            outcome, how = BROKEN, traceback.format_exc()
        return Result(outcome, how, time.monotonic() - began)

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
    backend = BackendUnderTest(nn)
    for asked, dtype in grading.selected([level], dtypes):  # no further than the first: a level may take minutes
        result = grading.grade_one(backend, asked, dtype, grading.ROUNDS, grading.SEED)
        if result.outcome == NOT_THERE:
            raise AssertionError(f"{result.name} is not there: {result.reason}")
        if result.outcome == FAILED:
            return f"{result.name}: {result.reason}"
    return ""


def result_of(answer: Result | processes.Died) -> Result:
    """A process that a signal ended counts as caught, except where it was killed because it took too long."""
    if isinstance(answer, Result):
        return answer
    if answer.code in (-9, -15) or answer.code >= 0:
        return Result(BROKEN, f"the process ended with {answer.code}")
    return Result(CAUGHT, f"signal {-answer.code}")


def quick_jobs() -> list[Job]:
    """A few mutants, and the unchanged code in the columns of these."""
    by_name = {mutant.name: mutant for mutant in MUTANTS}
    return _with_controls([Job(by_name[name], where) for name, columns in QUICK.items() for where in columns])


def jobs_for(mutants: Sequence[Mutant]) -> list[Job]:
    """Each mutant in each of its columns, and the unchanged code in all columns that are used."""
    return _with_controls([Job(mutant, where) for mutant in mutants for where in mutant.plants])


def right(job: Job, result: Result) -> bool:
    """A mutant must be caught; the unchanged code must pass."""
    return result.outcome == (CAUGHT if job.mutant else SURVIVED)


def run_all(chosen: Sequence[Job], workers: int = WORKERS) -> Iterator[tuple[Job, Result]]:
    """Yield (job, result) in the order in which they finish."""
    for job, answer in run_each(Harness.run, chosen, workers):
        yield job, result_of(answer)


def run_each(
    work: Callable[[Harness, Job], Any], chosen: Sequence[Job], workers: int = WORKERS
) -> Iterator[tuple[Job, Any]]:
    """Yield (job, work(harness, job) or processes.Died), each in a process of its own."""
    columns = {job.where for job in chosen}
    for where in columns - {"common"}:
        importlib.import_module(f"nnz.{where}")  # once here, so that the processes share it
    controls = {
        where: sorted({j.mutant.caught_by for j in chosen if j.mutant and j.where == where}) for where in columns
    }
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        scratch = Path(folder).resolve()
        kernels = Kernels(scratch) if "c" in columns else None
        if kernels is not None:
            kernels.prepare(planting.planted("c", None, scratch / "unchanged"))
        harness = Harness(scratch, kernels, controls)
        yield from processes.each(partial(work, harness), chosen, workers)


def _with_controls(chosen: list[Job]) -> list[Job]:
    return [*(Job(None, where) for where in dict.fromkeys(job.where for job in chosen)), *chosen]
