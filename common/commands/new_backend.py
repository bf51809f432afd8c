"""Write a package with a stub for every op, to fill in and to grade with nnz parity."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..files.errors import ASKED_WRONGLY, refusing

EXAMPLES = """\
  nnz new-backend my_backend
  nnz parity my_backend
  nnz new-backend my_gpt --gpt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="a new folder; the package gets its name")
    parser.add_argument("--gpt", action="store_true", help="also the GPT: its operations, its layers and the model")


def run(arguments: argparse.Namespace) -> None:
    """Write it. Raises Refusal if something is there already."""
    with refusing(ASKED_WRONGLY):
        from ..conformance.exercise.new_backend import write

        for path in write(arguments.folder, arguments.gpt):
            print(path)
        folder = Path(os.path.realpath(arguments.folder))
        print(f"now fill in the stubs, then run in {folder.parent.name or '/'}: nnz parity {folder.name}")
