"""The command `nnz`: it finds the subcommand, and turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..files.errors import ASKED_WRONGLY, COULD_NOT, Refusal, describe, is_out_of_memory, one_line
from . import compare as command_compare
from . import data as command_data
from . import diff as command_diff
from . import export as command_export
from . import golden as command_golden
from . import import_ as command_import
from . import ladder as command_ladder
from . import new_backend as command_new_backend
from . import parity as command_parity
from . import plot as command_plot
from . import read as command_read
from . import sample as command_sample
from . import train as command_train
from .bench import bench as command_bench
from .bench import bench_gpt as command_bench_gpt

COMMANDS = {
    "train": command_train,
    "sample": command_sample,
    "compare": command_compare,
    "plot": command_plot,
    "ladder": command_ladder,
    "export": command_export,
    "import": command_import,
    "bench": command_bench,
    "bench-gpt": command_bench_gpt,
    "data": command_data,
    "parity": command_parity,
    "diff": command_diff,
    "golden": command_golden,
    "new-backend": command_new_backend,
    "read": command_read,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that `words` (by default those of the command line) ask for; return the exit code.

    0 done, 1 could not be done, 2 asked wrongly. An error is one line on stderr.
    """
    sys.stdout = sys.stdout or io.StringIO()  # closed by the caller: nobody reads
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # samples may hold any character
    try:
        _run(words)
        sys.stdout.flush()
        return 0
    except Refusal as error:
        return _refuse(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our stdout, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT
    except (OSError, MemoryError) as error:
        return _refuse(describe(error), COULD_NOT)
    except FloatingPointError as error:
        return _refuse(str(error), COULD_NOT)
    except KeyboardInterrupt as error:
        return _refuse(str(error) or "stopped before it was done; start it again", COULD_NOT)
    except Exception as error:  # a bug, of ours or of a backend from elsewhere: still one line, unless asked for more
        if is_out_of_memory(error):
            return _refuse(describe(MemoryError()), COULD_NOT)
        if os.environ.get("NNZ_TRACEBACK"):
            raise
        what = f"{type(error).__name__}: {error}"
        return _refuse(f"{what}; this is a bug: set NNZ_TRACEBACK=1 to see where it is", COULD_NOT)


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    top = _Parser(prog="nnz", description="One small language model in C, numpy and PyTorch.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"nnz {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=_Parser)
    for name, command in COMMANDS.items():
        summary = command.__doc__.splitlines()[0]
        sub = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"examples:\n{command.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(sub)
    return top


class _Parser(argparse.ArgumentParser):
    """argparse, with its errors on one line."""

    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{message}; see {self.prog} --help", ASKED_WRONGLY)


def _run(words: Sequence[str] | None) -> None:
    arguments, unknown = parser().parse_known_args(words)
    if unknown:
        command = f"nnz {arguments.command}" if arguments.command else "nnz"
        raise Refusal(f"unrecognized arguments: {' '.join(unknown)}; see {command} --help", ASKED_WRONGLY)
    if arguments.command is None:
        parser().print_help()
        raise Refusal("no command given; name one of those above", ASKED_WRONGLY)
    COMMANDS[arguments.command].run(arguments)


def _refuse(message: str, exit_code: int) -> int:
    print(f"nnz: {one_line(message)}", file=sys.stderr)
    return exit_code
