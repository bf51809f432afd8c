"""A model as a graph: a chain of operations, forward and back, in which a block may be skipped or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from nnz.backend import spec

Shape = tuple[Any, ...]
SAME_THERE = {
    "flatten": "reshape",
    "reshape": "reshape",
}  # what has no entry in the spec: it moves numbers and computes none


class Size(int):
    """A size with its letter, so that T * E is written T·E, and T // 2 is T/2."""

    letters: str
    factor: Fraction

    def __new__(cls, value: int, letters: str, factor: Fraction = Fraction(1)) -> Size:
        size = super().__new__(cls, value)
        size.letters, size.factor = letters, factor
        return size

    def __mul__(self, other: int) -> Size:
        if self == 1 or other == 1:
            return other if self == 1 else self
        if isinstance(other, Size):
            return Size(int(self) * int(other), f"{self.letters}·{other.letters}", self.factor * other.factor)
        return Size(int(self) * other, self.letters, self.factor * other)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Size:
        return Size(int(self) // other, self.letters, self.factor / other)

    def __str__(self) -> str:
        top = f"{self.factor.numerator}·{self.letters}" if self.factor.numerator != 1 else self.letters
        return "1" if self == 1 else top if self.factor.denominator == 1 else f"{top}/{self.factor.denominator}"


def shape_text(shape: Shape) -> str:
    """(B, T·E), and for a single number nothing."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})" if shape else ""


@dataclass(frozen=True)
class Stage:
    """An op, what it takes besides the chain, and what it gives; `kept` is what its backward needs of the forward."""

    op: str
    value: str
    shape: Shape
    gradient: str  # of what it takes from the chain; empty where that holds token ids
    parameters: tuple[tuple[str, Shape], ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def backward(self) -> str:
        return SAME_THERE.get(self.op, f"{self.op}_backward")


@dataclass(frozen=True)
class Block:
    """What follows each other, `times` over; where `skipped`, what comes in is added to what goes out."""

    stages: tuple[Item, ...]
    times: int
    skipped: bool


Item = Stage | Block


@dataclass(frozen=True)
class Graph:
    """A model from token ids to the loss."""

    name: str
    about: str
    inputs: tuple[str, Shape]
    items: tuple[Item, ...]
    sizes: tuple[Size, ...] = ()

    @property
    def words(self) -> str:
        """The chain in words, for those who cannot see it."""
        parts = [_words(item) for item in self.items]
        return f"{self.inputs[0]} {shape_text(self.inputs[1])}, then {', '.join(parts)}; and back the same way."


def _words(item: Item) -> str:
    if isinstance(item, Stage):
        return f"{item.op} to {item.value} {shape_text(item.shape)}".rstrip()
    inside = ", ".join(map(_words, item.stages))
    times = f"{item.times} times " if item.times > 1 else ""
    return f"{times}[{inside}{', plus what came in' if item.skipped else ''}]"


def kept_by(op: str) -> tuple[str, ...]:
    """What an op's backward takes besides the gradient that comes back: the spec says so."""
    function = spec.FUNCTIONS.get(f"{op}_backward")
    forward = spec.FUNCTIONS.get(f"{op}_forward")
    if function is None or forward is None:
        return ()
    gradients = {f"d{name}" for name in forward.outputs}
    return tuple(name for name in function.inputs if name not in gradients)


def shape_of(function: str, output: str, given: Sequence[Shape]) -> Shape:
    """The shape of an output for inputs of these shapes, by the letters of the spec."""
    entry = spec.FUNCTIONS[function]
    letters: dict[str, Any] = {}
    for (_, written), shape in zip(entry.inputs.items(), given, strict=False):
        if written == "(...)":
            return tuple(shape)
        letters |= dict(zip(_letters(written), shape, strict=True))
    return tuple(letters[letter] for letter in _letters(entry.outputs[output]))


def _letters(written: str) -> list[str]:
    return [letter for letter in written.strip("()").split(",") if letter]
