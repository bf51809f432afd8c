"""`make parity-full`: train all 50,000 steps in each backend and in build/mlp; writes the table of docs/parity.md.

Exits with 1 unless all four wrote the same bytes. In float64 it takes about half an hour on two cores, in strict
float32 (`make parity-strict-full`) some hours. If there is a folder names-splits in NNZ_DATA_HOME, this is the
published EurekaLabs run, and in float64 its losses must be the published ones.
"""

import hashlib
import os
import platform
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from support import parity_runs

from tools import readme

STEPS = 50_000
PUBLISHED = {"val_loss at step 0": "3.287299", "val_loss at step 49,999": "2.059120", "test_loss": "2.057973"}


def main(strict: bool) -> int:
    home = os.environ.get("NNZ_DATA_HOME", "")
    published = Path(home) / "names-splits"
    data = published if home and published.is_dir() else parity_runs.NAMES
    how = parity_runs.STRICT if strict else parity_runs.FLOAT64
    rows, outcomes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for runner in parity_runs.RUNNERS:
            began = time.perf_counter()
            outcome = parity_runs.run(runner, Path(folder) / runner.replace("/", "-"), STEPS, data, how)
            time_taken = "" if strict else f" {time.perf_counter() - began:.0f} s |"
            rows.append(_row(runner, outcome, strict, time_taken))
            outcomes.append(outcome)
            print(rows[-1], flush=True)
    same = all(outcome == outcomes[0] for outcome in outcomes)
    digits = strict or data != published or _found(outcomes[0]) == PUBLISHED
    table = _table(rows, same, data == published, strict)
    readme.replace("parity-strict-full" if strict else "parity-full", table, readme.DOCS / "parity.md")
    print(
        "all four byte-identical" if same else "NOT the same", "" if digits else f"NOT the published run, {PUBLISHED}"
    )
    return 0 if same and digits else 1


def _found(outcome: parity_runs.Outcome) -> dict[str, str]:
    lines = outcome.stdout.decode().splitlines()
    steps = [line.split("val_loss ")[1].split(" ")[0] for line in lines if line.startswith("step ")]
    test_loss = next(line.split()[1] for line in lines if line.startswith("test_loss "))
    return dict(zip(PUBLISHED, (steps[0], steps[-1], test_loss), strict=True))


def _row(runner: str, outcome: parity_runs.Outcome, strict: bool, seconds: str) -> str:
    val, test = list(_found(outcome).values())[1:]
    sha = hashlib.sha256(outcome.log + outcome.samples).hexdigest()
    if strict:
        sha = outcome.stdout.decode().split("parameters_sha256 ")[1]
    return f"| `{runner}` | {val} | {test} | `{sha[:16]}` |{seconds}"


def _table(rows: list[str], same: bool, is_published: bool, strict: bool) -> str:
    what = "the data of the published EurekaLabs run" if is_published else "the names inside the package"
    verdict = "All four are **byte-identical**" if same else "They are **not** identical"
    how, target, hashed = ("float64", "parity-full", "log.csv and samples.txt")
    if strict:
        how, target, hashed = ("strict float32", "parity-strict-full", "the parameters")
        verdict += ", with the SHA-256 of parameters, m and v at each of 251 evaluations" if same else ""
    return "\n".join(
        [
            f"All 50,000 steps in {how} on {what}, by `make {target}` on {date.today()} ({platform.machine()}). "
            f"{verdict}.",
            "",
            f"| | val loss at step 49,999 | test loss | SHA-256 of {hashed} |{'' if strict else ' time |'}",
            f"|---|---|---|---|{'' if strict else '---|'}",
            *rows,
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] == ["strict"]))
