"""What an operation is: the form of an entry in nnz.backend.spec."""

from __future__ import annotations

from dataclasses import dataclass, field

Shapes = dict[str, str]
SCALAR_TYPES = {"t": "int64_t", "training": "bool"}  # in C; every other scalar is a double


@dataclass(frozen=True)
class Function:
    """One function of an op. `updates` are written in place; `sizes` are C's, `arguments` Python's extra ones."""

    name: str
    formula: str
    inputs: Shapes
    outputs: Shapes
    sizes: tuple[str, ...]
    updates: Shapes = field(default_factory=dict)
    scalars: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()  # inputs that may be None, in C NULL

    @property
    def summary(self) -> str:
        """The line that stands over the function in C and opens its docstring in Python."""
        left, right = (
            "  ".join(f"{name} {shape}" if shape else name for name, shape in shapes.items())
            for shapes in (self.updates | self.inputs, self.outputs or self.updates)
        )
        return f"{self.formula}        {left}  ->  {right}"

    @property
    def python_arguments(self) -> tuple[str, ...]:
        return (*self.updates, *self.inputs, *self.arguments, *self.scalars)


@dataclass(frozen=True)
class Op:
    """One row of the matrix: the stem of its file in each backend, its functions in order, and where it comes from."""

    name: str
    source: str
    functions: tuple[Function, ...]
