"""python -m support.mutants.kill_matrix: test every mutant by our checks and by the usual tolerances.

The tolerances are applied to what a port is usually tested on (real_step.py). It writes docs/kill-matrix.md, and exits
with 1 if a mutant survives our checks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import date

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported: there is one process for each core already

from . import BACKENDS, KINDS, MUTANTS, Mutant, planting, processes, real_step, regimes, trials
from .mutant import DTYPES, STRICT
from .real_step import BATCH, STEPS
from .regimes import MEANING, Objection
from .trials import Harness, Job

TARGET = planting.ROOT / "docs" / "kill-matrix.md"
Objections = Mapping[Job, frozenset[Objection]]

OURS = "our check"
HEAD = f"""\
# The kill matrix

How good is a tolerance? Plant known bugs and count which ones it finds. Here they are planted in this project's own
code, one at a time, in C, in numpy and in torch. Each must be found by the check that is meant for it. The matrix also
shows which of the same bugs the usual tolerances find.

| command | what it does |
|---|---|
| `nnz parity --explain` | prints this page |
| `make test-mutants` | plants every mutant in every column, and fails if one survives |
| `make kill-matrix` | does the same, measures the usual tolerances too, and writes this page |
| `make test` | plants a few, and checks that every mutant still fits the code that it changes |

The mutants are listed in `tests/support/mutants/of_*.py`: a name, what the bug does in one sentence, what must catch
it, and for each column the file, a text that occurs in it exactly once, and the text that replaces it. A copy of the
backend's folder with that change is imported as a package of its own (in C it is compiled first), so that only the copy
can run. Each mutant runs in its own process, which may crash. The unchanged code, planted in the same way, must pass:
this is the control. A change in `common/` is tried in a copied tree, by the project's own tests.

To add a mutant, add its entry, run `PYTHONPATH=tests .venv/bin/python -m support.mutants NAME`, and `make kill-matrix`.

## What the usual tolerances find

Written by `make kill-matrix` on {{date}}.

{{mutants}} known bugs, most of them one line, are planted one at a time: {{plants}} plants, {{columns}}.
For each of them the check that is meant for it runs on the changed code ("our check"): {{survivors}} survive it. The
unchanged code, planted in the same way, passes {{control}}.

{{kinds}}
The other columns, here and below, show what a tolerance finds where a port is usually tested: on one batch of
{BATCH} real names at the initial weights. Logits, loss and gradients are computed by the model and then op by op;
then a new batch norm on the hidden layer, and the parameters after each of {STEPS} steps of SGD and AdamW. Everything
is compared with the oracle in float32 and in float64. A bug that one of these comparisons finds is caught, unless the
same tolerance also rejects that tensor in correct code. Bugs of odd sizes, values and orders of calls seldom show on
such a batch.
`x` means caught in every backend that has the bug, `.` in none, `1/3` in one of three.
"""
STRICT_HEAD = """\
## What only strict float32 finds

These bugs round once more or once less, in another order, or to the wrong one of two neighbours. They are planted in
the code that runs with `precision="strict"`, and "our check" requires every bit to be right. The tolerances compare the
same step as above, computed in strict float32, with the same oracle.
"""
GPT_KINDS = ("formulas of the GPT's operations", "the GPT", "the GPT in strict float32")
GPT_MUTANTS = frozenset(mutant for kind in GPT_KINDS for mutant in KINDS[kind])
GPT_HEAD = """\
## The GPT

These are planted in the operations and the model of the GPT. The batch of the tolerances has no GPT, so only our
check is shown: `x` means caught in every column in which it was planted.
"""
EXACT = """\
## What no tolerance can find

These are caught by a test that compares exactly, or by a level of the grading.
"""


def main() -> int:
    """Try, measure, write."""
    caught: dict[Job, bool] = {}
    for job, result in trials.run_all(trials.jobs_for(MUTANTS)):
        caught[job] = trials.right(job, result)
        print(f"{len(caught):3d}  {job.name}: {result.outcome}", file=sys.stderr, flush=True)
    for dtype in DTYPES:
        real_step.case(dtype)  # once here, not in each process
    objections: dict[Job, frozenset[regimes.Objection]] = {}
    measured = [job for job in caught if job.where in BACKENDS and job.mutant not in GPT_MUTANTS]
    for job, answer in trials.run_each(objecting, measured):
        objections[job] = regimes.EVERYTHING if isinstance(answer, processes.Died) else answer
        print(f"{len(objections):3d}  {job.name}: measured", file=sys.stderr, flush=True)
    TARGET.write_text(text(MUTANTS, caught, objections), encoding="utf-8")
    survivors = [job.name for job, right in caught.items() if not right]
    print(f"{TARGET.relative_to(planting.ROOT)}: {len(survivors)} survivors {' '.join(survivors)}".rstrip())
    return 1 if survivors else 0


def objecting(harness: Harness, job: Job) -> frozenset[regimes.Objection]:
    """What the regimes find wrong with the planted backend, in the numbers in which the mutant is looked for."""
    nn, dtypes = harness.planted(job), job.mutant.dtypes if job.mutant else (*DTYPES, STRICT)
    return frozenset().union(*(regimes.objections(real_step.tensors(nn, dtype), dtype) for dtype in dtypes))


def text(mutants: Sequence[Mutant], caught: Mapping[Job, bool], objections: Objections) -> str:
    """`caught` says of each job whether it ended as it should; `objections` what the regimes find wrong."""
    controls = [right for job, right in caught.items() if job.mutant is None]
    planted = [job for job in caught if job.mutant is not None]
    counts = ", ".join(f"{sum(job.where == where for job in planted)} in {where}" for where in (*BACKENDS, "common"))
    head = HEAD.format(
        date=date.today().isoformat(),
        mutants=len(mutants),
        plants=len(planted),
        columns=counts,
        survivors=sum(not caught[job] for job in planted),
        kinds=_kinds(caught, objections),
        control="everywhere" if all(controls) else f"in {sum(controls)} of {len(controls)} columns only",
    )
    numeric = [m for m in mutants if set(m.plants) & set(BACKENDS) and m not in GPT_MUTANTS]
    plain, strict = ([m for m in numeric if (STRICT in m.dtypes) == so] for so in (False, True))
    exact = [m for m in mutants if "common" in m.plants and m not in GPT_MUTANTS]
    gpt = [mutant for mutant in mutants if mutant in GPT_MUTANTS]
    sections = [head, _totals(plain, caught, objections), _numeric(plain, caught, objections)]
    sections += [STRICT_HEAD, _totals(strict, caught, objections), _numeric(strict, caught, objections)]
    return "\n".join([*sections, EXACT, _exact(exact, caught), GPT_HEAD, _exact(gpt, caught)])


def _kinds(caught: Mapping[Job, bool], objections: Objections) -> str:
    """For each kind of bug, how many are planted and caught, and how many of those in a backend each regime misses."""
    rows = []
    for kind, mutants in KINDS.items():
        jobs = {job: right for job, right in caught.items() if job.mutant in mutants}
        if not jobs:
            continue
        compared = [] if kind in GPT_KINDS else mutants
        hits = {regime: [h for m in compared for h in _hits(m, regime, caught, objections)] for regime in MEANING}
        missed = [str(found.count(False)) if found else "" for found in hits.values()]
        counts = [str(sum(job.where == where for job in jobs) or "") for where in (*BACKENDS, "common")]
        rows.append([kind, str(len(mutants)), *counts, f"{sum(jobs.values())} of {len(jobs)}", *missed])
    return _table(["kind of bug", "bugs", *BACKENDS, "common", OURS, *(f"{name} misses" for name in MEANING)], rows)


def _totals(mutants: Sequence[Mutant], caught: Mapping[Job, bool], objections: Objections) -> str:
    rows, dtypes = [], {dtype for mutant in mutants for dtype in mutant.dtypes}
    for regime, meaning in {OURS: "the check that is meant for the bug", **MEANING}.items():
        hits = [_hits(m, regime, caught, objections) for m in mutants]
        alarms = [where for where in BACKENDS if regime in _false_alarms(objections, where, dtypes)]
        share = f"{sum(map(all, hits))} of {len(mutants)}"
        plants = f"{sum(map(sum, hits))} of {sum(map(len, hits))}"
        rows.append([regime, meaning, share, plants, ", ".join(alarms) or "none"])
    return _table(["regime", "what it is", "mutants caught", "plants caught", "false alarms on correct code"], rows)


def _numeric(mutants: Sequence[Mutant], caught: Mapping[Job, bool], objections: Objections) -> str:
    rows = []
    for mutant in mutants:
        cells = [_cell(_hits(mutant, r, caught, objections)) for r in (OURS, *MEANING)]
        rows.append([mutant.name, mutant.does, mutant.caught_by, *cells])
    return _table(["mutant", "what it does", "meant for it", OURS, *MEANING], rows)


def _exact(mutants: Sequence[Mutant], caught: Mapping[Job, bool]) -> str:
    rows = [
        [m.name, m.does, m.caught_by, _cell([right for job, right in caught.items() if _is_exact(job, m)])]
        for m in mutants
    ]
    return _table(["mutant", "what it does", "meant for it", OURS], rows)


def _is_exact(job: Job, mutant: Mutant) -> bool:
    return job.mutant is mutant and (job.where == "common" or mutant in GPT_MUTANTS)


def _hits(mutant: Mutant, regime: str, caught: Mapping[Job, bool], objections: Objections) -> list[bool]:
    """For each backend that the mutant is planted in, whether the regime catches it there."""
    hits = []
    for job, right in caught.items():
        if job.mutant is mutant and job.where in BACKENDS:
            noticed = {o.regime for o in objections[job] - _control(objections, job.where)}
            hits.append(right if regime == OURS else regime in noticed)
    return hits


def _control(objections: Objections, where: str) -> frozenset[Objection]:
    """False alarms: what a regime finds wrong with the code as it is."""
    return next(found for job, found in objections.items() if job == Job(None, where))


def _false_alarms(objections: Objections, where: str, dtypes: Collection[str]) -> set[str]:
    return {o.regime for o in _control(objections, where) if o.dtype in dtypes}


def _cell(hits: Sequence[bool]) -> str:
    return "x" if all(hits) else "." if not any(hits) else f"{sum(hits)}/{len(hits)}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    padded = (" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"| {line} |\n" for line in padded)


if __name__ == "__main__":
    sys.exit(main())
