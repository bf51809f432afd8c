"""`make parity-full`: all 50,000 steps in float64, four times, byte for byte the same, or exit 1; writes the README.

With NNZ_DATA_HOME set and names-splits in it, the published EurekaLabs run is repeated too, digit for digit.
"""

import hashlib
import os
import platform
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import parity_runs
import readme

STEPS = 50_000
PUBLISHED = {"val_loss at step 0": "3.287299", "val_loss at step 49,999": "2.059120", "test_loss": "2.057973"}


def main() -> int:
    home = os.environ.get("NNZ_DATA_HOME", "")
    published = Path(home) / "names-splits"
    data = published if home and published.is_dir() else parity_runs.NAMES
    rows, outcomes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for runner in parity_runs.RUNNERS:
            began = time.perf_counter()
            outcome = parity_runs.run(runner, Path(folder) / runner.replace("/", "-"), STEPS, data)
            rows.append(_row(runner, outcome, time.perf_counter() - began))
            outcomes.append(outcome)
            print(rows[-1], flush=True)
    same = all(outcome == outcomes[0] for outcome in outcomes)
    digits = data != published or _found(outcomes[0]) == PUBLISHED
    readme.replace("parity-full", _table(rows, same, data == published))
    print(
        "all four byte-identical" if same else "NOT the same", "" if digits else f"NOT the published run, {PUBLISHED}"
    )
    return 0 if same and digits else 1


def _found(outcome: parity_runs.Outcome) -> dict[str, str]:
    lines = outcome.stdout.decode().splitlines()
    steps = [line.split("val_loss ")[1].split(" ")[0] for line in lines if line.startswith("step ")]
    return dict(zip(PUBLISHED, (steps[0], steps[-1], lines[-1].split()[1]), strict=True))


def _row(runner: str, outcome: parity_runs.Outcome, seconds: float) -> str:
    val, test = list(_found(outcome).values())[1:]
    sha = hashlib.sha256(outcome.log + outcome.samples).hexdigest()[:16]
    return f"| `{runner}` | {val} | {test} | `{sha}` | {seconds:.0f} s |"


def _table(rows: list[str], same: bool, is_published: bool) -> str:
    what = "the data of the published EurekaLabs run" if is_published else "the names inside the package"
    verdict = "All four are **byte-identical**" if same else "They are **not** identical"
    return "\n".join(
        [
            f"All 50,000 steps in float64 on {what}, by `make parity-full` on {date.today()} ({platform.machine()}). "
            f"{verdict}.",
            "",
            "| | val loss at step 49,999 | test loss | SHA-256 of log.csv and samples.txt | time |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
