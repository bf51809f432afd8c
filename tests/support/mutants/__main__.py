"""python -m support.mutants [--quick] [NAME ...]: plant every mutant; exit 1 unless its own check catches it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported: there is one process for each core already

from . import MUTANTS, trials
from .trials import Job, Result


def main(arguments: Sequence[str]) -> int:
    """Test the mutants; print a line for each, and a summary."""
    parser = argparse.ArgumentParser(prog="python -m support.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants")
    parser.add_argument("--quick", action="store_true", help="a few mutants, most of them in numpy")
    parser.add_argument("--workers", type=int, default=trials.WORKERS, metavar="N", help="processes at a time")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - {mutant.name for mutant in MUTANTS}:
        parser.error(f"there is no mutant {min(unknown)}")
    mutants = [mutant for mutant in MUTANTS if mutant.name in asked.names or not asked.names]
    chosen = trials.quick_jobs() if asked.quick else trials.jobs_for(mutants)
    began, wrong = time.monotonic(), []
    for i, (job, result) in enumerate(trials.run_all(chosen, asked.workers), start=1):
        print(f"{i:3d}/{len(chosen)} {result.seconds:5.1f} s  {line(job, result)}", flush=True)
        wrong += [] if trials.right(job, result) else [job.name]
    summary = f"{len(wrong)} wrong: {', '.join(wrong)}" if wrong else "0 survivors"
    print(f"{len(chosen)} planted in {time.monotonic() - began:.0f} s; {summary}")
    return 1 if wrong else 0


def line(job: Job, result: Result) -> str:
    """The result of one mutant, with all details if it is wrong."""
    if not trials.right(job, result):
        meant = f" by {job.mutant.caught_by}" if job.mutant else ""
        return f"{job.name}: {result.outcome.upper()}{meant} {result.how}"
    return f"{job.name}: {'passes' if job.mutant is None else result.how[:100]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
