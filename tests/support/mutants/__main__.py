"""python -m support.mutants [--quick] [NAME ...]: plant every mutant; exit 1 unless its own check catches it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy comes: there is one process for each core already

from . import MUTANTS, trials
from .verdicts import Finding, Job


def main(arguments: Sequence[str]) -> int:
    """Try the mutants; a line for each, and a summary."""
    parser = argparse.ArgumentParser(prog="python -m support.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants")
    parser.add_argument("--quick", action="store_true", help="a few mutants, most of them in numpy")
    parser.add_argument("--workers", type=int, default=trials.WORKERS, metavar="N", help="processes at a time")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - {mutant.name for mutant in MUTANTS}:
        parser.error(f"no mutant is called {min(unknown)}")
    mutants = [mutant for mutant in MUTANTS if mutant.name in asked.names or not asked.names]
    chosen = trials.quick_jobs() if asked.quick else trials.jobs_for(mutants)
    began, wrong = time.monotonic(), []
    for i, (job, finding) in enumerate(trials.tried(chosen, asked.workers), start=1):
        print(f"{i:3d}/{len(chosen)} {finding.seconds:5.1f} s  {line(job, finding)}", flush=True)
        wrong += [] if trials.right(job, finding) else [job.name]
    verdict = f"{len(wrong)} not as they should be: {', '.join(wrong)}" if wrong else "0 survivors"
    print(f"{len(chosen)} planted in {time.monotonic() - began:.0f} s; {verdict}")
    return 1 if wrong else 0


def line(job: Job, finding: Finding) -> str:
    """What became of one mutant; all that is known where it is not what should have."""
    if not trials.right(job, finding):
        meant = f" by {job.mutant.caught_by}" if job.mutant else ""
        return f"{job.name}: {finding.outcome.upper()}{meant} {finding.how}"
    return f"{job.name}: {'passes' if job.mutant is None else finding.how[:100]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
