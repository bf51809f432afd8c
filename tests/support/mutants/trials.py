"""Which mutants are tried in which column, and all of them at work, a few processes at a time."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from . import MUTANTS, Mutant, jobs
from .compiling import Kernels
from .verdicts import CAUGHT, SURVIVED, Court, Finding, Job, found

WORKERS = os.cpu_count() or 1

# One for each way of being caught, none of which takes long.
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


def quick_jobs() -> list[Job]:
    """A few mutants, and the code as it is in the columns of these."""
    by_name = {mutant.name: mutant for mutant in MUTANTS}
    return _with_controls([Job(by_name[name], where) for name, columns in QUICK.items() for where in columns])


def jobs_for(mutants: Sequence[Mutant]) -> list[Job]:
    """Each mutant in each of its columns, and the code as it is in all columns that are used."""
    return _with_controls([Job(mutant, where) for mutant in mutants for where in mutant.plants])


def right(job: Job, finding: Finding) -> bool:
    """A mutant must be caught; the code as it is must pass."""
    return finding.outcome == (CAUGHT if job.mutant else SURVIVED)


def tried(chosen: Sequence[Job], workers: int = WORKERS) -> Iterator[tuple[Job, Finding]]:
    """Yield (job, finding) as they are done."""
    for job, answer in at_work(Court.judge, chosen, workers):
        yield job, found(answer)


def at_work(
    work: Callable[[Court, Job], Any], chosen: Sequence[Job], workers: int = WORKERS
) -> Iterator[tuple[Job, Any]]:
    """Yield (job, work(court, job) or jobs.Died), each worked on in a process of its own."""
    columns = {job.where for job in chosen}
    for where in columns - {"common"}:
        importlib.import_module(f"nnz.{where}")  # once here, not in each process
    controls = {
        where: sorted({j.mutant.caught_by for j in chosen if j.mutant and j.where == where}) for where in columns
    }
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        scratch = Path(folder).resolve()
        court = Court(scratch, Kernels(scratch) if "c" in columns else None, controls)
        yield from jobs.each(partial(work, court), chosen, workers)


def _with_controls(chosen: list[Job]) -> list[Job]:
    return [*(Job(None, where) for where in dict.fromkeys(job.where for job in chosen)), *chosen]
