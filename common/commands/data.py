"""List the known data sets, or download one."""

from __future__ import annotations

import argparse

from ..files.errors import ASKED_WRONGLY, refusing

EXAMPLES = """\
  nnz data list
  nnz data get tinyshakespeare
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(dest="action", metavar="list|get", required=True)
    actions.add_parser("list", help="print each data set, what it holds and where it comes from")
    get = actions.add_parser("get", help="download a data set if it is not here yet, and print its path")
    get.add_argument("name", metavar="NAME", help="a name that nnz data list prints")


def run(arguments: argparse.Namespace) -> None:
    """List, or get. Raises Refusal."""
    if arguments.action == "list":
        _list()
    else:
        _get(arguments.name)


def _list() -> None:
    from ..files import downloads

    for data in downloads.known():
        print(f"{data.name}\n  {data.description}\n  from: {data.origin}\n  {data.note}")
        if data.url is not None:
            print(f"  {data.url}\n  sha256 {data.sha256}")


def _get(name: str) -> None:
    from ..files import downloads

    with refusing(ASKED_WRONGLY):
        downloads.find(name)
    with refusing():
        print(downloads.get(name))
