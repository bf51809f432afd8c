"""Train every rung of the ladder; print what each idea gains and costs.

All rungs get the same data and seed, and each has a run folder of its own. stdout carries the table without the times,
which vary from run to run; ladder.md and ladder.png show the times too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..backend import registry
from ..files.errors import UsageError, refusing
from .flags import check_threads, whole
from .train import add_run_arguments, asks_for_steps

EXAMPLES = """\
  nnz ladder
  nnz ladder --data my-names.txt --steps 2000 --out runs/my-ladder
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add_run_arguments(parser)
    add("--steps", type=whole, metavar="N", help="number of updates of each rung; default: see its recipe")
    add("--seed", type=whole, metavar="N", help="seed of the initial weights and the batches")
    add("--set", action="append", default=[], metavar="K=V", help="set section.key of each recipe; may be repeated")
    add("--out", metavar="DIR", default="runs/ladder", help="the folder for all of this; default: runs/ladder")
    add("--resume", action="store_true", help="continue a ladder that was stopped; times are those of the rest")
    add("--restart", action="store_true", help="train again, and replace the ladder that is in the folder")


def run(arguments: argparse.Namespace) -> None:
    """Train the rungs. Raises Refusal, and what `Run.train` raises."""
    with refusing():
        if arguments.resume and arguments.restart:
            raise UsageError("--resume continues a ladder and --restart begins it again; give only one of them")
        check_threads(arguments.threads)
        from ..files.atomic import check_writable, write_text
        from ..files.terminal import note
        from ..pictures import ladder  # only now: --help and a wrong word must not wait for data and plots
        from ..pictures.drawing import save
        from ..training.ladder import (
            PICTURE,
            TABLE,
            check_rung,
            ladder_recipes,
            markdown_table,
            refuse_to_lose,
            train_rung,
        )

        out, backend = Path(arguments.out), arguments.backend or registry.default()
        recipes = ladder_recipes(arguments.data, arguments.steps, arguments.seed, arguments.set)
        flags = arguments.threads, arguments.resume, arguments.restart
        if not (arguments.resume or arguments.restart):
            refuse_to_lose(out, recipes)
        more_steps = asks_for_steps(arguments)
        for recipe in recipes:
            check_rung(recipe, backend, out / recipe.name, arguments.threads, arguments.resume, more_steps)
        out.mkdir(parents=True, exist_ok=True)
        for file in (TABLE, PICTURE):
            check_writable(out / file)
        rungs = [train_rung(recipe, backend, out / recipe.name, *flags) for recipe in recipes]
    print(markdown_table(rungs, with_time=False), end="", flush=True)
    write_text(out / TABLE, markdown_table(rungs, with_time=True))
    save(ladder.ladder(rungs, f"the ladder: {Path(recipes[0].data.name).name}, {backend}"), out / PICTURE)
    note(f"the table with the times, and the picture: {out / TABLE}, {out / PICTURE}")
