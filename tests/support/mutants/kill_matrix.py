"""python -m support.mutants.kill_matrix: hold every mutant against our checks and the usual tolerances.

The tolerances are applied to what a port is usually tested on (real_step.py). Exits 1 if a mutant survives our checks.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy comes: there is one process for each core already

from . import BACKENDS, MUTANTS, jobs, matrix_text, planting, real_step, regimes, trials
from .mutant import DTYPES, STRICT
from .verdicts import Court, Job

TARGET = planting.ROOT / "docs" / "kill-matrix.md"


def main() -> int:
    """Try, measure, write."""
    caught: dict[Job, bool] = {}
    for job, finding in trials.tried(trials.jobs_for(MUTANTS)):
        caught[job] = trials.right(job, finding)
        print(f"{len(caught):3d}  {job.name}: {finding.outcome}", file=sys.stderr, flush=True)
    for dtype in DTYPES:
        real_step.case(dtype)  # once here, not in each process
    objections: dict[Job, frozenset[regimes.Objection]] = {}
    for job, answer in trials.at_work(objecting, [job for job in caught if job.where in BACKENDS]):
        objections[job] = regimes.EVERYTHING if isinstance(answer, jobs.Died) else answer
        print(f"{len(objections):3d}  {job.name}: measured", file=sys.stderr, flush=True)
    TARGET.write_text(matrix_text.text(MUTANTS, caught, objections), encoding="utf-8")
    survivors = [job.name for job, right in caught.items() if not right]
    print(f"{TARGET.relative_to(planting.ROOT)}: {len(survivors)} survivors {' '.join(survivors)}".rstrip())
    return 1 if survivors else 0


def objecting(court: Court, job: Job) -> frozenset[regimes.Objection]:
    """What the regimes find wrong with the planted backend, in the numbers in which the mutant is looked for."""
    nn, dtypes = court.planted(job), job.mutant.dtypes if job.mutant else (*DTYPES, STRICT)
    return frozenset().union(*(regimes.objections(real_step.tensors(nn, dtype), dtype) for dtype in dtypes))


if __name__ == "__main__":
    sys.exit(main())
