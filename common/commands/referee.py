"""Grade a port of microgpt by the losses that it prints, and name what it does otherwise.

The exit code is 0 if every loss is the reference's to its last printed digit, 1 if one is not or the program did not
end well, 2 if there are no losses to grade.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..files.errors import Refusal, UsageError, describe, refusing
from .flags import check, decimal, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..referee.program import Port
    from ..referee.start import Names

EXAMPLES = """\
  nnz referee --cmd "node microgpt.js names.txt"
  nnz referee --cmd "python microgpt.py" --steps 50
  ./microgpt | nnz referee --log -
  nnz referee --log log.txt --pattern "it (\\d+) .* L=(\\S+)"
  nnz referee --list
"""
DATA = "makemore-names"
LARGEST_LOG = 2**24  # bytes
STEPS, LONGEST = 1000, 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cmd", metavar="PROGRAM", help="run this program, and read what it prints")
    source.add_argument("--log", metavar="FILE", help="read what a port has printed; - is stdin")
    source.add_argument("--list", action="store_true", help="print the deviations that are known")
    add = parser.add_argument
    help = "a regular expression with a group for the loss, or with two: step, loss; default: the usual forms"
    add("--pattern", metavar="REGEX", help=help)
    add("--steps", type=whole, default=STEPS, metavar="N", help=f"grade the first N steps; default: {STEPS}")
    add("--float32", action="store_true", help="let a port that computes in float32 pass")
    help = "grade these gradients of step 1 too, in the form of gradients-1.jsonl of nnz golden microgpt"
    add("--gradients", metavar="FILE", help=help)
    help = "seconds that the program may take; default: 600"
    add("--timeout", type=decimal, default=600.0, metavar="SECONDS", help=help)
    add("--data", metavar="FILE", help="the names that the port was trained on; default: those of makemore")
    add("--json", metavar="FILE", help="write the verdict as JSON to FILE; - is stdout, without the text")


def run(arguments: argparse.Namespace) -> None:
    """Grade and print. Raises Refusal if a loss is not the reference's."""
    from ..referee import report
    from ..referee.deviations import DEVIATIONS

    if arguments.list:
        width = max(len(one.name) for one in DEVIATIONS)
        print("\n".join(f"{one.name:<{width}}  {one.text}" for one in DEVIATIONS))
        return
    with refusing():
        _check(arguments)
        port = _port(arguments) if arguments.cmd is None else None  # what cannot be read, before a download
        names = _names(arguments.data)
        port = port or _port(arguments)
        from ..referee import first_step
        from ..referee.verdict import judge, trainings

        dtype = "float32" if arguments.float32 else "float64"
        gradients = first_step.graded(arguments.gradients, names, dtype) if arguments.gradients is not None else []

        with _counting(trainings(), "training") as show:
            problems = [port.problem] if port.problem else []
            samples = _samples(port)
            verdict = judge(names, port.lines, arguments.steps, samples, problems, arguments.float32, show, gradients)
        if arguments.json != "-":
            print(report.text(verdict), flush=True)
        _write(arguments.json, report.to_json(verdict))
    if not verdict.is_equal:
        why = [report.names(found.deviations) for found in verdict.why[:1] if len(verdict.why) == 1]
        first = [] if verdict.reference.is_whole else [report.first_difference(verdict)]
        what = "not graded as equal" if verdict.reference.is_whole else "the losses are not microgpt's"
        wrong = [] if all(one.is_right for one in verdict.gradients) else [report.wrong_gradients(verdict)]
        raise Refusal(f"{what}: {'; '.join([*first, *verdict.problems, *wrong, *why])}")


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what is asked wrongly before any work."""
    from ..files.atomic import check_writable
    from ..referee import log
    from .parity.one import words

    check("--steps", arguments.steps, 1, STEPS)
    if not 0 < arguments.timeout <= LONGEST:
        raise UsageError(f"--timeout is {arguments.timeout:g}; it must be above 0 and at most {LONGEST}")
    if arguments.pattern is not None:
        log.read("", arguments.pattern)
    if arguments.cmd is not None:
        words(arguments.cmd)
    if arguments.json not in (None, "-"):
        check_writable(Path(arguments.json))


def _names(path: str | None) -> Names:
    """The documents: the lines that are not empty, without the white space around them."""
    from ..files import downloads
    from ..referee.start import Names
    from ..text.datasets import read_text

    file = downloads.get(DATA, "give it as --data FILE") if path is None else Path(path)
    if not file.is_file():
        raise UsageError(f"--data {path} is not a file; it must have a name on each line")
    lines = read_text(file).split("\n")
    names = Names([name for line in lines if (name := line.strip())])
    if not names.lines:
        raise UsageError(f"--data {path} has no line that is not empty: it must have a name on each")
    return names


def _port(arguments: argparse.Namespace) -> Port:
    """What is graded."""
    from ..files import inputs
    from ..referee import program
    from .parity.one import words

    if arguments.cmd is not None:
        with _counting(arguments.steps, "step") as show:
            shown = 0

            def advance(count: int) -> None:
                nonlocal shown
                show(max(0, count - shown))
                shown = max(shown, count)

            return program.run(words(arguments.cmd), arguments.steps, arguments.timeout, arguments.pattern, advance)
    if arguments.log == "-":
        content, source = sys.stdin.buffer.read(LARGEST_LOG + 1), "stdin"
        if len(content) > LARGEST_LOG:
            raise UsageError(f"stdin has more than {LARGEST_LOG:,} bytes; give the lines with the losses alone")
    else:
        try:
            content, source = inputs.read_bytes(arguments.log, LARGEST_LOG), arguments.log
        except OSError as error:
            raise UsageError(f"no losses to grade: {describe(error)}") from error
    return program.of_text(content, source, arguments.pattern)


def _samples(port: Port) -> list[str]:
    from ..referee import log

    return log.samples(port.text)


@contextmanager
def _counting(total: int, unit: str) -> Iterator[Callable[..., object]]:
    """A bar that goes when it is done."""
    from ..files.terminal import bar

    with bar(total, unit, leave=False) as shown:
        yield shown.update


def _write(target: str | None, content: dict) -> None:
    import json

    from ..files.atomic import write_json

    if target == "-":
        sys.stdout.write(json.dumps(content, indent=1, allow_nan=False) + "\n")
    elif target is not None:
        write_json(Path(target), content)
