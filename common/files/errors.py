"""How an error reaches the person at the terminal: one line, and an exit code.

The library raises Python's own exceptions. The commands turn those that a user can cause into a `Refusal`; any other is
a bug of ours, and shows its traceback.
"""

from __future__ import annotations

import difflib
import dis
import errno
import re
import reprlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

COULD_NOT = 1  # the request makes sense, but could not be done
ASKED_WRONGLY = 2  # a word or a number on the command line or in the recipe is wrong
PACKAGE = __package__.partition(".")[0]
ENOUGH_MEMORY = 2**26  # bytes: more than any import and any picture needs

# What a terminal obeys, and does not show: control characters but newline and tab, what sets the direction of writing,
# and the half characters that stand for bytes that are not UTF-8. make_printable of build/mlp has the same list.
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


REMEDIES = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP), "check the path"),
    **dict.fromkeys((errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG), "give another path"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "check its permissions, or give another path"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make space there, or give another path"),
}

_SHORT = reprlib.Repr()
_SHORT.maxstring = 80  # characters


class UsageError(ValueError):
    """The words of the command line or of a recipe are wrong; the command exits with 2."""


class Refusal(Exception):
    """One line for stderr and the exit code that goes with it."""

    def __init__(self, message: str, exit_code: int = COULD_NOT):
        super().__init__(one_line(message))
        self.exit_code = exit_code


@contextmanager
def refusing(exit_code: int = COULD_NOT) -> Iterator[None]:
    """Turn the documented errors of the calls inside into a Refusal; a UsageError always exits with 2."""
    try:
        yield
    except UsageError as error:
        raise Refusal(str(error), ASKED_WRONGLY) from error
    except BrokenPipeError:  # who reads stdout has seen enough
        raise
    except OSError as error:
        raise Refusal(describe(error), COULD_NOT) from error
    except (ValueError, TypeError, ImportError) as error:
        if not _is_documented(error):
            raise
        raise Refusal(str(error), exit_code) from error


def _is_documented(error: BaseException) -> bool:
    """Tell whether a `raise` statement of this package raised the error.

    Python and numpy raise the same types for our bugs ("too many values to unpack"), but from other instructions.
    """
    return _is_from_here(error, "RAISE_VARARGS")


def is_missing_dependency(error: BaseException) -> bool:
    """Tell whether an `import` statement of this package found a package missing that is not a part of it."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return False
    return error.name.partition(".")[0] != PACKAGE and _is_from_here(error, "IMPORT_NAME")


def _is_from_here(error: BaseException, instruction: str) -> bool:
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "")
    return (
        module.partition(".")[0] == PACKAGE and trace.tb_frame.f_code.co_code[trace.tb_lasti] == dis.opmap[instruction]
    )


def describe(error: OSError | MemoryError) -> str:
    """Say in one line what the system refused, and for which file."""
    if isinstance(error, MemoryError):
        return f"out of memory ({one_line(str(error)) or 'there is none left'}); take a smaller model, batch or text"
    if error.strerror is None:  # raised by our own code, with a message of its own
        return one_line(str(error))
    place = f"{error.filename}: " if error.filename is not None else ""
    return one_line(
        f"{place}{error.strerror}; {REMEDIES.get(error.errno, 'check the path, its disk and its permissions')}"
    )


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether the error means that: torch raises a RuntimeError with its own words, the loader an ImportError; and
    when there is none left, libraries raise whatever they like."""
    words = ("allocate memory", "out of memory", "failed to map segment")
    if isinstance(error, RuntimeError | ImportError) and any(said in str(error) for said in words):
        return True
    try:
        bytearray(ENOUGH_MEMORY)
    except MemoryError:
        return True
    return False


def one_line(text: str) -> str:
    """Join the lines of `text` with single spaces, so that an error stays one line whatever it quotes."""
    lines = (line.strip() for line in text.splitlines())
    return printable(" ".join(line for line in lines if line))


def printable(text: str) -> str:
    """Return the text with each character that a terminal may obey, and not show, written as Python does: \\x1b."""
    return OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def quoted(value: Any) -> str:
    """Return the value as an error quotes it, shortened if it is long."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python does not write an integer of more than 4,300 digits
        return "a number too long to show"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'? known: a, b, c"; only what is known if no name is similar."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(known)}"
