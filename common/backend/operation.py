"""What an operation is: the form of an entry in nnz.backend.spec."""

from __future__ import annotations

from dataclasses import dataclass, field

Shapes = dict[str, str]
SCALAR_TYPES = {  # in C; every other scalar is a double
    "t": "int64_t",
    "training": "bool",
    "seed": "uint64_t",
    "site": "uint64_t",
    "step": "uint64_t",
}
ARRAY_TYPES = {"ids": "int32_t", "targets": "int32_t", "total": "double"}  # in C; every other array is of reals


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
    optional: tuple[str, ...] = ()  # inputs and outputs that may be None, in C NULL

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
    """One row of the matrix: the stem of its file in each backend, its functions in order, and where it comes from.

    `model` is the part of the name of a backend's folder: "mlp" for mlp_c/ops, mlp_numpy/ops and mlp_torch/ops.
    """

    name: str
    source: str
    functions: tuple[Function, ...]
    model: str = "mlp"
