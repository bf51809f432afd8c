"""`make ladder`, `make names-best`, `make gpt-names`, `make bench-gpt`: train recipes; write docs/ladder.md and gpt.md.

On two cores the ladder takes about half an hour, names-best and gpt-names some hours, and the GPT's recipes some
minutes; what is finished in build/ is not trained again, and a seed that was stopped goes on. If there is a folder
names-splits in NNZ_DATA_HOME, these two are trained on it: the data of the published EurekaLabs run.
"""

import csv
import os
import platform
import shutil
import statistics
import sys
import time
from datetime import date
from itertools import product
from pathlib import Path

from nnz.conformance.environment import environment
from nnz.runs.folder import RunFolder
from tools import readme

BUILD = readme.ROOT / "build"
SEEDS = (1337, 1, 2, 3, 4)
PICTURE = readme.DOCS / "ladder.png"


def ladder() -> str:
    """The table of `nnz ladder`, and what the deep rung reaches without skips or batch norm."""
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
        f"({platform.machine()}, {os.cpu_count()} cores); losses in nats per character.\n\n{table}\n\n"
        f"![val loss, parameters and time of each rung]({PICTURE.name})\n\n"
        f"The eight hidden layers of `residual` reach {both:.4f} with skips and batch norm, {others[0]:.4f} with "
        f"skips alone, {others[1]:.4f} with batch norm alone, and {others[2]:.4f} with neither."
    )


def deep(name: str, skips: str, batch_norm: str) -> float:
    """The val loss of the rung `residual`, with or without skips and batch norm."""
    out = BUILD / f"ladder-residual-{name}"
    readme.run(f"nnz train residual --set model.skips={skips} --set model.batch_norm={batch_norm} --out {out}")
    return last_val_loss(out)


def names_best() -> str:
    """The val loss of names-best for each seed."""
    return f"`names-best` is that wavenet, trained longer. {of_seeds('names-best')}"


def gpt_names() -> str:
    """The val loss of gpt-names for each seed."""
    return of_seeds("gpt-names")


def of_seeds(recipe: str) -> str:
    """Train the recipe from each seed, and tell its val losses in a sentence."""
    home = Path(os.environ.get("NNZ_DATA_HOME", "")) / "names-splits"
    published = "NNZ_DATA_HOME" in os.environ and home.is_dir()
    data, what = (home, "the data of the published EurekaLabs run") if published else ("names", "the names inside nnz")
    losses = []
    for seed in SEEDS:
        out = BUILD / f"{recipe}-{home.name if published else data}-{seed}"
        readme.run(f"nnz train {recipe} --data {data} --seed {seed} --resume --out {out}")
        losses.append(last_val_loss(out))
        print(f"seed {seed}: val_loss {losses[-1]:.6f}", file=sys.stderr, flush=True)
    return (
        f"On {what}, with the seeds {', '.join(map(str, SEEDS))}, its val loss is {statistics.mean(losses):.4f} on "
        f"average, from {min(losses):.4f} to {max(losses):.4f} (`make {recipe}`, {date.today()})."
    )


def last_val_loss(run: Path) -> float:
    """Of the last line of the run's log."""
    with open(run / "log.csv", encoding="utf-8") as log:
        return float(list(csv.DictReader(log))[-1]["val_loss"])


def gpt() -> str:
    """The GPT's recipes, those for a GPU where there is one, and a step next to the baselines."""
    import torch

    gpu = torch.cuda.is_available()
    machine = torch.cuda.get_device_name() if gpu else f"{environment()['cpu']}, {os.cpu_count()} cores"
    recipes, backends = (("gpt", "gpt-best"), ["torch"]) if gpu else (("gpt-cpu", "gpt-cpu-best"), ["c", "torch"])
    lines = ["| recipe | backend | best val loss | at step | of | seconds |", "|---|---|---:|---:|---:|---:|"]
    for recipe, backend in product(recipes, backends):
        out = BUILD / "gpt" / f"{recipe}-{backend}"
        began = time.perf_counter()
        readme.run(f"nnz train {recipe} --backend {backend} --restart --out {out}")
        seconds = time.perf_counter() - began
        rows = RunFolder(out).read_log()
        step, _, best = min(rows, key=lambda row: row[2])
        lines.append(f"| `{recipe}` | {backend} | {best:.4f} | {step:,} | {rows[-1][0] + 1:,} | {seconds:.0f} |")
    speed = readme.run(f"nnz bench-gpt {recipes[0]}")
    return (
        f"Whole commands, with evaluations, samples and pictures, by `make bench-gpt` on {date.today()} ({machine}). "
        f"The second table times a training step of `{recipes[0]}` with nnz.gpt next to two baselines in eager torch, "
        "all in turn, medians; C and numpy are in [speed](speed.md).\n\n" + "\n".join(lines) + f"\n\n{speed}"
    )


MAKERS = {
    "ladder": (ladder, "ladder.md"),
    "names-best": (names_best, "ladder.md"),
    "gpt-names": (gpt_names, "ladder.md"),
    "gpt": (gpt, "gpt.md"),
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        maker, page = MAKERS[name]
        readme.replace(name, maker(), readme.DOCS / page)
