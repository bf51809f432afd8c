"""The command `nnz`: it finds the subcommand, and turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from .. import __version__
from ..files.errors import ASKED_WRONGLY, COULD_NOT, Refusal, describe, is_out_of_memory, one_line

# name -> the first line of its module's docstring. Only the module of the command that is asked for is imported.
COMMANDS = {
    "train": "Train a model from a recipe; write its log, checkpoints, samples and pictures.",
    "sample": "Draw samples from a trained model and print each token as soon as it is drawn.",
    "compare": "Print samples of the untrained and of the trained model side by side.",
    "plot": "Draw the pictures of a run: losses, embeddings, activations, gradients and updates.",
    "ladder": "Train every rung of the ladder; print what each idea gains and costs.",
    "export": "Write a model for other programs: a torch state dict, or a folder for Hugging Face transformers.",
    "import": "Read a GPT-2 from a folder of Hugging Face transformers into a run folder.",
    "bench": "Time a training step of every backend on this machine, next to a baseline.",
    "bench-gpt": "Time a training step of a GPT on this machine, next to baselines in eager torch.",
    "data": "List the known data sets, or download one.",
    "parity": "Grade backends against the float64 oracle: the conformance table.",
    "diff": "Run one batch through two backends and name the first tensor that differs.",
    "golden": "Write golden files: the oracle's numbers for one small model, to check any implementation.",
    "new-backend": "Write a package with a stub for every op, to fill in and to grade with nnz parity.",
    "read": "Open the reading page: C, numpy and PyTorch side by side, with their measurements.",
}
ENVIRONMENT = """\
environment:
  NNZ_DATA_HOME  the folder for downloaded data sets, instead of the user's cache
  NNZ_DATA_URL   where to download them from: $NNZ_DATA_URL/FILE
  NNZ_TRACEBACK  set to 1: show where a bug in nnz is
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that `words` (by default those of the command line) ask for; return the exit code.

    0 done, 1 could not be done, 2 asked wrongly. An error is one line on stderr.
    """
    sys.stdout = sys.stdout or io.StringIO()  # closed by the caller: nobody reads
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # samples may hold any character
    try:
        _run(sys.argv[1:] if words is None else words)
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


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return a parser that lists every command and knows the arguments of the one that the words ask for."""
    top = _Parser(prog="nnz", description="One small language model in C, numpy and PyTorch.", allow_abbrev=False)
    top.epilog, top.formatter_class = ENVIRONMENT, argparse.RawDescriptionHelpFormatter
    top.add_argument("--version", action="version", version=f"nnz {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=_Parser)
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if name == asked:
            command = load(name)
            sub.epilog, sub.formatter_class = f"examples:\n{command.EXAMPLES}", argparse.RawDescriptionHelpFormatter
            command.add_arguments(sub)
    return top


def load(name: str) -> ModuleType:
    """Import the module of a command."""
    module = "import_" if name == "import" else name.replace("-", "_")
    return import_module(f".{module}", __package__)


class _Parser(argparse.ArgumentParser):
    """argparse, with its errors on one line."""

    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{message}; see {self.prog} --help", ASKED_WRONGLY)


def _run(words: Sequence[str]) -> None:
    top = parser(words)
    arguments, unknown = top.parse_known_args(words)
    if unknown:
        command = f"nnz {arguments.command}" if arguments.command else "nnz"
        raise Refusal(f"unrecognized arguments: {' '.join(unknown)}; see {command} --help", ASKED_WRONGLY)
    if arguments.command is None:
        top.print_help()
        raise Refusal("no command given; name one of those above", ASKED_WRONGLY)
    load(arguments.command).run(arguments)


def _refuse(message: str, exit_code: int) -> int:
    print(f"nnz: {one_line(message)}", file=sys.stderr)
    return exit_code
