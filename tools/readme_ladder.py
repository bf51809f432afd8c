"""`make ladder` and `make names-best`: what each idea of the ladder brings, and how far its top got; for the README.

What is finished is found again in build/; `make clean` begins anew. With NNZ_DATA_HOME set and
names-splits in it, names-best is trained on the data of the published EurekaLabs run.
"""

import csv
import os
import platform
import shutil
import statistics
import sys
from datetime import date
from pathlib import Path

from tools import readme

BUILD = readme.ROOT / "build"
SEEDS = (1337, 1, 2, 3, 4)
PICTURE = readme.ROOT / "docs" / "ladder.png"


def ladder() -> str:
    """The table that `nnz ladder` leaves in its folder, with what the deep rung would be without its two aids."""
    out = BUILD / "ladder"
    if not (out / "ladder.md").exists():
        readme.run(f"nnz ladder --out {out}")
    shutil.copyfile(out / "ladder.png", PICTURE)
    table = (out / "ladder.md").read_text(encoding="utf-8").strip()
    both = last_val_loss(out / "residual")
    others = [
        deep(*aids)
        for aids in (("skips", "true", "false"), ("no-skips", "false", "true"), ("neither", "false", "false"))
    ]
    return (
        f"The names inside the package, every name on its own, by `make ladder` on {date.today()} "
        f"({platform.machine()}, {os.cpu_count()} cores); losses in nats a character.\n\n{table}\n\n"
        f"![val loss, parameters and time of each rung](docs/ladder.png)\n\n"
        f"The eight hidden layers of `residual` come to {both:.4f} with skips and batch norm, {others[0]:.4f} with "
        f"skips alone, {others[1]:.4f} with batch norm alone, and {others[2]:.4f} with neither."
    )


def deep(name: str, skips: str, batch_norm: str) -> float:
    """The val loss of the residual rung with or without its skips and its batch norm."""
    out = BUILD / f"ladder-residual-{name}"
    readme.run(f"nnz train residual --set model.skips={skips} --set model.batch_norm={batch_norm} --out {out}")
    return last_val_loss(out)


def names_best() -> str:
    """The val loss of names-best over some seeds."""
    home = Path(os.environ.get("NNZ_DATA_HOME", "")) / "names-splits"
    published = "NNZ_DATA_HOME" in os.environ and home.is_dir()
    data, what = (home, "the data of the published EurekaLabs run") if published else ("names", "the names inside nnz")
    losses = []
    for seed in SEEDS:
        out = BUILD / f"names-best-{home.name if published else data}-{seed}"
        readme.run(f"nnz train names-best --data {data} --seed {seed} --out {out}")
        losses.append(last_val_loss(out))
        print(f"seed {seed}: val_loss {losses[-1]:.6f}", file=sys.stderr, flush=True)
    return (
        f"`names-best` is that wavenet trained for longer: on {what}, with the seeds {', '.join(map(str, SEEDS))}, its "
        f"val loss is {statistics.mean(losses):.4f} on average, {min(losses):.4f} to {max(losses):.4f} "
        f"(`make names-best`, {date.today()})."
    )


def last_val_loss(run: Path) -> float:
    """Of the last line of the run's log."""
    with open(run / "log.csv", encoding="utf-8") as log:
        return float(list(csv.DictReader(log))[-1]["val_loss"])


MAKERS = {"ladder": ladder, "names-best": names_best}

if __name__ == "__main__":
    for part in sys.argv[1:]:
        readme.replace(part, MAKERS[part]())
