"""Open the reading page: C, numpy and PyTorch side by side, with what was measured of them.

The page is written into a folder and needs nothing else: no server, no network.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from ..files.errors import Refusal, refusing

EXAMPLES = """\
  nnz read
  nnz read --out my-site --no-open
  nnz parity --json parity.json && nnz bench --json bench.json && nnz read --parity parity.json --bench bench.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help="the folder to write; default: a new one for temporary files")
    add("--no-open", action="store_true", help="print the path of the first page, and open no browser")
    add(
        "--parity", type=Path, metavar="FILE", help="what nnz parity --json wrote; default: build/parity.json, if there"
    )
    add("--bench", type=Path, metavar="FILE", help="what nnz bench --json wrote; default: build/bench.json, if there")


def run(arguments: argparse.Namespace) -> None:
    """Build and open. Raises Refusal."""
    with refusing():
        try:
            from ..reading.page.figures import BENCH, PARITY, Figures
            from ..reading.page.site import build
        except ModuleNotFoundError as error:
            raise Refusal(f"the page needs {error.name}; install it with: pip install 'nnz[site]'") from error

        figures = Figures(
            *(given or (usual if usual.is_file() else None) for given, usual in _pairs(arguments, PARITY, BENCH))
        )
        out = arguments.out or Path(tempfile.mkdtemp(prefix="nnz-read-"))
        first = build(out, figures).resolve()
    print(first)
    if arguments.no_open:
        return
    import webbrowser  # with all that it takes to start one: no other command should load it

    if not webbrowser.open(first.as_uri()):
        raise Refusal(f"no browser could be opened; open {first} in one yourself")


def _pairs(arguments: argparse.Namespace, parity: Path, bench: Path) -> tuple[tuple[Path | None, Path], ...]:
    return (arguments.parity, parity), (arguments.bench, bench)
