"""Write a package with every op as a stub, to be filled in and graded with nnz parity."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files.errors import ASKED_WRONGLY, refusing

EXAMPLES = """\
  nnz new-backend my_backend
  nnz parity my_backend
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="a new folder; its name is the package's")


def run(arguments: argparse.Namespace) -> None:
    """Write it. Raises Refusal where there is something already."""
    with refusing(ASKED_WRONGLY):
        from ..conformance.exercise.new_backend import write

        for path in write(arguments.folder):
            print(path)
        print(f"next, in {arguments.folder.resolve().parent.name or '/'}: nnz parity {arguments.folder.resolve().name}")
