"""The rules for a setting of a recipe: its type, what is allowed, and the error for anything else."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

from ..backend import registry
from ..backend.limits import LARGEST_SIZE
from ..files.errors import UsageError, nearest, quoted

LARGEST_SEED = 2**64 - 1

# How a number is written on the command line, also of build/mlp; int and float also take spaces, 5_0, and the digits of
# other scripts.
WHOLE = re.compile(r"-?[0-9]{1,4000}")
DECIMAL = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|-?inf|nan")


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a value may be: `read` returns it in the right type or raises ValueError; `allowed` describes it."""

    read: Callable[[Any], Any]
    allowed: str


def setting(default: Any, rule: Rule) -> Any:
    """Declare a field of a recipe's section."""
    return dataclasses.field(default=default, metadata={"rule": rule})


def one_of(*words: str, **renamed: str) -> Rule:
    """One of a few words, or the name that one of them had before."""

    def read(value: Any) -> str:
        word = renamed.get(value, value) if isinstance(value, str) else value
        if word not in words:
            raise ValueError(nearest(str(value), words))
        return word

    return Rule(read, " or ".join(words))


def text(allowed: str) -> Rule:
    """Any text that is not empty."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not value or "\0" in value:
            raise ValueError
        return value

    return Rule(read, allowed)


def backend_name() -> Rule:
    """One of the project's backends, or a module; naming one does not import it."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not all(word.isidentifier() for word in value.split(".")):
            raise ValueError(nearest(str(value), registry.names()))
        return value

    return Rule(read, "the name of a backend")


def integer(minimum: int, maximum: int = LARGEST_SIZE) -> Rule:
    """An integer in [minimum, maximum]."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise ValueError
        return value

    return Rule(read, f"an integer from {minimum} to {maximum}")


def number(minimum: float, above: bool = False, below: float = math.inf) -> Rule:
    """A finite number of at least `minimum`, or above it, and below another."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError
        if value < minimum or (above and value == minimum) or value >= below:
            raise ValueError
        return float(value)

    end = "" if below == math.inf else f" and below {below:g}"
    return Rule(read, f"a number {'above' if above else 'of at least'} {minimum:g}{end}")


def switch() -> Rule:
    """true or false."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value

    return Rule(read, "true or false")


def fraction() -> Rule:
    """A number above 0 and up to 1."""

    def read(value: Any) -> float:
        if number(0.0, above=True).read(value) > 1:
            raise ValueError
        return float(value)

    return Rule(read, "a number above 0 and up to 1")


def fractions() -> Rule:
    """Three fractions of a text, for train, val and test, that add up to 1; or two: then val and test are the same."""

    def read(value: Any) -> tuple[float, ...]:
        positive = number(0.0, above=True).read
        if not isinstance(value, list | tuple) or len(value) not in (2, 3):
            raise ValueError
        if not math.isclose(sum(positive(part) for part in value), 1.0, abs_tol=1e-9):
            raise ValueError
        return tuple(float(part) for part in value)

    return Rule(read, "three numbers above 0 that add up to 1, such as [0.9, 0.05, 0.05], or two")


def read(name: str, rule: Rule, value: Any) -> Any:
    """Return `value` as `rule` reads it. Raises UsageError that names the setting, the value and what is allowed."""
    try:
        return rule.read(value)
    except OverflowError:  # an integer too large to be a number
        hint = ""
    except ValueError as error:
        hint = str(error)
    raise UsageError(f"{name} = {quoted(value)} is not allowed; {hint or f'it takes {rule.allowed}'}")
