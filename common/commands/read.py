"""Open the reading page: C, numpy and PyTorch side by side, with their measurements.

The page is a folder of files; it works without a server and without a network.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from ..files.errors import Refusal, refusing
from ..files.terminal import note

PROGRAM_PAGE = "program.html"  # a folder that has it is an earlier page
PACKAGES, MODULES = "Jinja2 markdown-it-py Pygments", ("jinja2", "markdown_it", "pygments")
EXAMPLES = """\
  nnz read
  nnz read --out my-site --no-open
  nnz parity --json parity.json && nnz bench --json bench.json && nnz read --parity parity.json --bench bench.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help="the folder to write; default: a new temporary one")
    add("--no-open", action="store_true", help="only print the path of the first page; do not open a browser")
    add(
        "--parity",
        type=Path,
        metavar="FILE",
        help="a file that nnz parity --json wrote; default: build/parity.json, else nnz's own",
    )
    add(
        "--bench",
        type=Path,
        metavar="FILE",
        help="a file that nnz bench --json wrote; default: build/bench.json, else nnz's own",
    )


def run(arguments: argparse.Namespace) -> None:
    """Build and open. Raises Refusal."""
    with refusing():
        try:
            from ..reading.page.figures import BENCH, PARITY, Figures, found
            from ..reading.page.site import build
        except ModuleNotFoundError as error:
            if error.name not in MODULES:
                raise
            raise Refusal(f"the page needs {error.name}; install it with: pip install {PACKAGES}") from error

        figures = Figures(found(arguments.parity, PARITY), found(arguments.bench, BENCH))
        out = arguments.out or Path(tempfile.mkdtemp(prefix="nnz-read-"))
        if out.exists() and not (out.is_dir() and ((out / PROGRAM_PAGE).exists() or not any(out.iterdir()))):
            raise FileExistsError(f"{out} is there, and no reading page; give a new folder with --out")
        first = build(out, figures).resolve()
    print(first)
    if arguments.no_open:
        return
    import webbrowser  # here, since no other command needs it

    if not webbrowser.open(first.as_uri()):
        note(f"no browser can be opened here; open {first} in one yourself")
