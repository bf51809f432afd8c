"""What a mutant is: one known bug, where it is planted in each column of the matrix, and what must find it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

BACKENDS = ("c", "numpy", "torch")
STRICT = "strict"  # stands where float32 or float64 does
DTYPES = ("float32", "float64")
C_SOURCES = Path(__file__).resolve().parents[3] / "mlp_c"


class Plant(NamedTuple):
    """In `file`, which lies in the backend's folder or in common/, `old` stands exactly once and becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, eq=False)  # each is itself, and can be a key
class Mutant:
    """A bug by name, with what it does in one sentence.

    `caught_by` is a level of nnz.conformance, or "strict LEVEL" where only every bit in strict float32 will do; a check
    of c_contract.py; or a test as "file.py::name". `plants` is keyed by backend, or "common" for code that no backend
    has of its own.
    """

    name: str
    does: str
    caught_by: str
    plants: dict[str, Plant]

    @property
    def dtypes(self) -> tuple[str, ...]:
        """In which numbers it is looked for."""
        return level_of(self.caught_by)[1]


def level_of(check: str) -> tuple[str, tuple[str, ...]]:
    """The level's own name, and in which numbers it is graded."""
    level = check.removeprefix(f"{STRICT} ")
    return level, DTYPES if level == check else (STRICT,)


def mutant(name: str, does: str, caught_by: str, **plants: tuple[str, str, str]) -> Mutant:
    """A mutant whose plants are given as (file, old, new)."""
    placed = {where: _in_binding(where, Plant(*plant)) for where, plant in plants.items()}
    return Mutant(name, does, caught_by, placed)


def op_mutant(op: str, name: str, does: str, caught_by: str, **plants: tuple[str, ...]) -> Mutant:
    """A mutant of one row of the matrix: (old, new) is in the file of that op, (file, old, new) elsewhere."""
    placed = {
        where: plant if len(plant) == 3 else (_in_c(op, caught_by) if where == "c" else f"ops/{op}.py", *plant)
        for where, plant in plants.items()
    }
    return mutant(name, does, caught_by, **placed)


def gpt_op_mutant(op: str, name: str, does: str, caught_by: str, **plants: tuple[str, ...]) -> Mutant:
    """The same for an operation that only the GPT has."""
    files = {"c": f"gpt/fast/{op}.c", "numpy": f"gpt/ops/{op}.py", "torch": f"gpt_ops/{op}.py"}
    return _in_files(files, name, does, caught_by, plants)


def gpt_mutant(name: str, does: str, caught_by: str, **plants: tuple[str, ...]) -> Mutant:
    """A mutant of the GPT itself: (old, new) is in its model, (file, old, new) elsewhere."""
    files = {"c": "gpt/gpt.c", "numpy": "gpt/gpt.py", "torch": "gpt/gpt.py", "common": "backend/gpt.py"}
    return _in_files(files, name, does, caught_by, plants)


def _in_files(
    files: dict[str, str], name: str, does: str, caught_by: str, plants: dict[str, tuple[str, ...]]
) -> Mutant:
    placed = {where: plant if len(plant) == 3 else (files[where], *plant) for where, plant in plants.items()}
    return mutant(name, does, caught_by, **placed)


def _in_c(op: str, caught_by: str) -> str:
    """The C file in which nnz.c has the op: in strict/ or fast/, or in ops/ where the plain one serves."""
    folder = STRICT if caught_by.startswith(f"{STRICT} ") else "fast"
    return next(f for f in (f"{folder}/{op}.c", f"ops/{op}.c") if (C_SOURCES / f).exists())


def _in_binding(where: str, plant: Plant) -> Plant:
    """The plant as it is; but Python that belongs to the C backend is in binding/, or in gpt/ with the model."""
    is_there = where != "c" or not plant.file.endswith(".py") or plant.file.startswith("gpt/")
    return plant if is_there else plant._replace(file=f"binding/{plant.file}")
