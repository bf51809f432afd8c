"""Write golden files: the oracle's numbers for one small model, to check any implementation.

`nnz golden OUT` writes those of an MLP. `nnz golden microgpt OUT` writes those of microgpt: its weights, documents and
losses, the gradients of the first step, and the parameters after 1, 10 and 1,000 steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files.errors import ASKED_WRONGLY, UsageError, refusing
from .flags import whole

MICROGPT = "microgpt"
EXAMPLES = """\
  nnz golden golden
  nnz golden golden --dtype float64 --seed 7
  nnz golden microgpt golden-microgpt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("words", nargs="+", metavar="[microgpt] OUT", help="the folder to write to; it is created if it does not exist")
    add("--seed", type=whole, metavar="N", help="seed of the weights and batches; default: 1337, of microgpt 42")
    add("--dtype", action="append", choices=("float32", "float64"), help="may be repeated; default: both; microgpt: 64")
    add("--data", metavar="FILE", help="of microgpt: a list of names; default: makemore's")
    add("--steps", type=whole, metavar="N", help="of microgpt: how many; default: 1,000")


def run(arguments: argparse.Namespace) -> None:
    """Write the files and print their paths. Raises Refusal."""
    with refusing(ASKED_WRONGLY):
        *model, out = arguments.words
        if arguments.words == [MICROGPT]:
            raise UsageError("nnz golden microgpt OUT needs a folder; write ./microgpt for a folder of that name")
        if model not in ([], [MICROGPT]):
            raise UsageError(f"give one folder, or microgpt and a folder; got {' '.join(arguments.words)}")
        if model:
            paths = _microgpt(arguments, Path(out))
        else:
            from ..conformance import golden

            for flag in ("data", "steps"):
                if getattr(arguments, flag) is not None:
                    raise UsageError(f"--{flag} is of microgpt alone: nnz golden microgpt OUT; drop it")
            seed = golden.SEED if arguments.seed is None else arguments.seed
            paths = golden.write(Path(out), arguments.dtype or golden.DTYPES, seed)
        for path in paths:
            print(path)


def _microgpt(arguments: argparse.Namespace, out: Path) -> list[Path]:
    from ..conformance import golden_microgpt
    from ..recipes.recipe import load

    if arguments.dtype not in (None, ["float64"]):
        raise UsageError("microgpt's numbers are float64 alone; drop --dtype")
    recipe = load(MICROGPT)
    for key, value in (("data.name", arguments.data), ("train.seed", arguments.seed), ("train.steps", arguments.steps)):
        recipe = recipe if value is None else recipe.override(key, value)
    return golden_microgpt.write(out, recipe)
