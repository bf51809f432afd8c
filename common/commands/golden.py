"""Write golden files: the oracle's numbers for one small model, to check any implementation."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files.errors import ASKED_WRONGLY, refusing
from .flags import whole

EXAMPLES = """\
  nnz golden golden
  nnz golden golden --dtype float64 --seed 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("out", metavar="OUT", help="the folder to write to; it is created if it does not exist")
    add("--seed", type=whole, default=1337, metavar="N", help="seed of the weights and batches; default: 1337")
    add("--dtype", action="append", choices=("float32", "float64"), help="may be repeated; default: both")


def run(arguments: argparse.Namespace) -> None:
    """Write the files and print their paths. Raises Refusal."""
    from ..conformance import golden

    with refusing(ASKED_WRONGLY):
        for path in golden.write(Path(arguments.out), arguments.dtype or golden.DTYPES, arguments.seed):
            print(path)
