"""The command `nnz`: it finds the subcommand, and turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn, TextIO

from .. import STOPPED, __version__
from ..files.errors import (
    ASKED_WRONGLY,
    COULD_NOT,
    Refusal,
    describe,
    is_missing_dependency,
    is_out_of_memory,
    nearest,
    one_line,
)
from ..files.terminal import is_silent_worker, say

# name -> the first line of its module's docstring. Only the module of the command that is asked for is imported.
COMMANDS = {
    "train": "Train a model from a recipe; write its log, checkpoints, samples and pictures.",
    "sample": "Draw samples from a trained model and print each token as soon as it is drawn.",
    "compare": "Print samples of the untrained and of the trained model side by side.",
    "plot": "Draw the pictures of a run: losses, embeddings, activations, gradients and updates.",
    "ladder": "Train every rung of the ladder; print what each idea gains and costs.",
    "export": "Write a model for other programs: a torch state dict, or a folder for Hugging Face transformers.",
    "import": "Read a GPT-2 from a folder of Hugging Face transformers into a run folder.",
    "bench": "Time a training step of every backend on this machine, next to a baseline; of a GPT its generation too.",
    "bench-gpt": "Time a training step of a GPT on this machine, next to baselines in eager torch.",
    "data": "List the known data sets, or download one.",
    "parity": "Grade backends against the float64 oracle: points, what to mend first, and why.",
    "referee": "Grade a port of microgpt by the losses that it prints, and name what it does otherwise.",
    "diff": "Run the same batches and steps through two backends; name the first tensor that differs.",
    "golden": "Write golden files: the oracle's numbers for one small model, to check any implementation.",
    "new-backend": "Write a package with a stub for every op, to fill in and to grade with nnz parity.",
    "info": "Print what nnz runs on here: versions, CPU, BLAS, threads, and which C kernels.",
    "read": "Open the reading page: C, numpy and PyTorch side by side, with their measurements.",
}
FIRST_STEPS = ("nnz train names", "nnz sample runs/names-c", "nnz compare runs/names-c", "nnz read", "nnz parity")
PATIENCE = 10  # seconds in which torchrun ends a worker after another one has failed
ENVIRONMENT = """\
environment:
  NNZ_DATA_HOME  the folder for downloaded data sets, instead of the user's cache
  NNZ_DATA_URL   where to download them from: $NNZ_DATA_URL/FILE
  NNZ_TRACEBACK  set to 1: show where a bug in nnz is
"""


def main(words: Sequence[str] | None = None, stopped: Callable[[], bool] = lambda: False) -> int:
    """Run the command that `words` (by default those of the command line) ask for; return the exit code.

    0 done, 1 could not be done, 2 asked wrongly. An error is one line on stderr. `stopped` tells whether a signal has
    raised KeyboardInterrupt: a library may turn that into an exception of its own.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # samples may hold any character
    exit_code, message = _attempt(sys.argv[1:] if words is None else words, stopped)
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or it would be tried again at the very end
        silent = isinstance(error, BrokenPipeError)  # the reader of our stdout, such as head, has seen enough
        exit_code, message = COULD_NOT, "" if silent else describe(error)
    if message and not _another_says_it():
        say(f"nnz: {one_line(message)}")
    return exit_code


def _attempt(words: Sequence[str], stopped: Callable[[], bool]) -> tuple[int, str]:
    """Run the command; return the exit code, and what went wrong."""
    try:
        _run(words)
    except SystemExit as done:  # of argparse, after --help and --version
        return int(done.code or 0), ""
    except Refusal as error:
        return error.exit_code, str(error)
    except BrokenPipeError:
        return COULD_NOT, ""
    except (OSError, MemoryError) as error:
        return COULD_NOT, describe(error)
    except FloatingPointError as error:
        return COULD_NOT, str(error)
    except KeyboardInterrupt as error:
        return COULD_NOT, str(error) or STOPPED
    except Exception as error:  # a bug, of ours or of a backend from elsewhere: still one line, unless asked for more
        if is_out_of_memory(error):
            return COULD_NOT, describe(MemoryError())
        if stopped():
            return COULD_NOT, STOPPED
        if os.environ.get("NNZ_TRACEBACK"):
            raise
        if is_missing_dependency(error):
            package = error.name.partition(".")[0]
            return COULD_NOT, f"nnz needs {package}, which is not installed; install nnz again, with make dev or pip"
        what = f"{type(error).__name__}: {error}"
        return COULD_NOT, f"{what}; this is a bug: set NNZ_TRACEBACK=1 to see where it is"
    return 0, ""


def _another_says_it() -> bool:
    """Tell whether this is one of torchrun's workers whose error the first one tells: torchrun then ends the others."""
    if not is_silent_worker():
        return False
    try:
        time.sleep(PATIENCE)
    except KeyboardInterrupt:
        return True
    return False


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
    """argparse, with its errors on one line, and with what was probably meant."""

    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{message}; see {self.prog} --help", ASKED_WRONGLY)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"unknown {value!r}; {nearest(str(value), action.choices)}")

    def _print_message(self, message: str, file: TextIO | None = None) -> None:
        (file or sys.stderr).write(message)  # argparse would not tell that it cannot be written


def _run(words: Sequence[str]) -> None:
    if not words:
        print(_first_steps())
        raise Refusal("no command given; name one of those above", ASKED_WRONGLY)
    top = parser(words)
    arguments, unknown = top.parse_known_args(words)
    if unknown or arguments.command is None:
        command = f"nnz {arguments.command}" if arguments.command else "nnz"
        flag = next((word.partition("=")[0] for word in unknown if word.startswith("-")), "")
        close = difflib.get_close_matches(flag, _flags(top, arguments.command), n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        if not flag and arguments.command is not None:
            hint = f"{_takes(top, arguments.command)}; "
        raise Refusal(f"unrecognized arguments: {' '.join(unknown)}; {hint}see {command} --help", ASKED_WRONGLY)
    load(arguments.command).run(arguments)


def _takes(top: argparse.ArgumentParser, command: str) -> str:
    """What the command takes besides flags, and what it does with it."""
    commands = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    words = [str(action.metavar) for action in commands.choices[command]._actions if not action.option_strings]
    summary = COMMANDS[command].rstrip(".")
    return f"nnz {command} takes only {' '.join(words) or 'flags'}, to {summary[0].lower()}{summary[1:]}"


def _flags(top: argparse.ArgumentParser, command: str | None) -> list[str]:
    """The flags that the command takes."""
    commands = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    asked = top if command is None else commands.choices[command]
    return [flag for action in asked._actions for flag in action.option_strings]


def _first_steps() -> str:
    """What `nnz` alone prints: the commands that matter first, and the names of the others."""
    width = max(map(len, FIRST_STEPS))
    lines = [f"  {words:<{width}}  {COMMANDS[words.split()[1]]}" for words in FIRST_STEPS]
    others = ", ".join(name for name in COMMANDS if name not in [words.split()[1] for words in FIRST_STEPS])
    return "\n".join(["to begin with:", *lines, f"the others: {others}; see nnz --help"])
