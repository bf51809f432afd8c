"""Train every rung of the ladder on the same data and seed; print what each idea brought, and at what cost.

stdout holds the table without the times, which vary from run to run; ladder.md in the folder has them too, and so has
the picture ladder.png. Each rung is a run folder of its own beside them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..backend import registry
from ..files.errors import refusing
from ..recipes.settings import integer, read

EXAMPLES = """\
  nnz ladder
  nnz ladder --data my-names.txt --steps 2000 --out runs/my-ladder
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("--data", metavar="NAME", help="a data set (nnz data list), a UTF-8 text file, or a folder with three splits")
    add("--steps", type=int, metavar="N", help="how many updates of each rung; default: as its recipe says")
    add("--seed", type=int, metavar="N", help="what the initial weights and the batches are drawn from")
    add("--backend", metavar="NAME", help=f"{', '.join(registry.names())}, or a dotted module; default: c, else numpy")
    add("--threads", type=int, metavar="N", help="how many threads the backend may use; on a busy machine 1 is best")
    add("--out", metavar="DIR", default="runs/ladder", help="the folder of it all; default: runs/ladder")


def run(arguments: argparse.Namespace) -> None:
    """Climb. Raises Refusal, and what `Run.train` raises."""
    with refusing():
        if arguments.threads is not None:
            read("--threads", integer(1), arguments.threads)
        from ..files.atomic import write_text
        from ..files.progress import note
        from ..pictures import ladder  # only now: --help and a wrong word need no data, no plots and no backend
        from ..pictures.drawing import save
        from ..training import climb

        out, backend = Path(arguments.out), arguments.backend or registry.default()
        recipes = climb.recipes(arguments.data, arguments.steps, arguments.seed)
        rungs = [climb.climb(recipe, backend, out / recipe.name, arguments.threads) for recipe in recipes]
    print(climb.table(rungs, with_time=False), end="", flush=True)
    write_text(out / "ladder.md", climb.table(rungs, with_time=True))
    save(ladder.ladder(rungs, f"the ladder: {Path(recipes[0].data.name).name}, {backend}"), out / "ladder.png")
    note(f"with the times, and as a picture: {out / 'ladder.md'}, {out / 'ladder.png'}")
