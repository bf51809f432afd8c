"""One function in three columns: cut from its three files, and laid side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nnz.backend import registry, spec

from . import c_source, python_source
from .alignment import Row, aligned
from .places import PageError, Tree
from .steps import END, HEAD, Meanings, Step

WRITES = {name: len(function.outputs or function.updates) for name, function in spec.FUNCTIONS.items()}


@dataclass(frozen=True)
class Wanted:
    """A function to be laid side by side: what it is called in each backend, in which file, and its symbols."""

    title: str
    files: dict[str, str]  # backend -> the file's name in the repository
    names: dict[str, str]  # backend -> the function's
    reads: tuple[str, ...]
    outputs: tuple[str, ...]
    sizes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """The function in one backend. `symbols` is what each word of it stands for."""

    backend: str
    file: str
    text: str
    line: int
    steps: list[Step]
    symbols: dict[str, str]


@dataclass(frozen=True)
class SideBySide:
    """The columns, and the rows in which their steps stand."""

    wanted: Wanted
    columns: dict[str, Column]
    rows: list[Row]


def op_file(backend: str, op: str) -> str:
    """The file of an op, in the language of the backend's model."""
    return f"{spec.OPS[op].model}_{backend}/ops/{op}.{MLP_FILES[backend].rpartition('.')[2]}"


def of_spec(op: spec.Op, function: spec.Function) -> Wanted:
    """What an entry of the spec asks of every backend."""
    names = registry.names()
    return Wanted(
        title=function.name,
        files={name: op_file(name, op.name) for name in names},
        names=dict.fromkeys(names, function.name),
        reads=(*function.inputs, *function.scalars),
        outputs=tuple(function.outputs or function.updates),
        sizes=(*function.sizes, *function.arguments),
    )


WEIGHTS = ("wte", "fc1_weight", "fc1_bias", "fc2_weight", "fc2_bias")
MLP_FILES = {"c": "mlp_c/mlp.c", "numpy": "mlp_numpy/mlp.py", "torch": "mlp_torch/mlp.py"}
MLP = (
    Wanted(
        "The MLP, forward",
        MLP_FILES,
        {"c": "mlp_forward", "numpy": "MLP._forward", "torch": "MLP._forward"},
        reads=("inputs", "targets", *WEIGHTS),
        outputs=("emb", "h_pre", "h", "logits", "loss", "probs"),
    ),
    Wanted(
        "The MLP, backward",
        MLP_FILES,
        {"c": "mlp_backward", "numpy": "MLP._backward", "torch": "MLP._gradients"},
        reads=("inputs", "targets", "emb", "h", "probs", "loss", *WEIGHTS),
        outputs=("dlogits", "dh", "dfc2_weight", "dfc2_bias", "dh_pre", "demb", "dfc1_weight", "dfc1_bias", "dwte"),
    ),
)


def side_by_side(tree: Tree, wanted: Wanted) -> SideBySide:
    """Cut and align. Raises PageError, naming function and backend, if a column is missing or says too little."""
    columns = {backend: _column(tree, wanted, backend) for backend in wanted.files}
    return SideBySide(wanted, columns, aligned({name: column.steps for name, column in columns.items()}))


def _column(tree: Tree, wanted: Wanted, backend: str) -> Column:
    file, name = wanted.files[backend], wanted.names[backend]
    try:
        text = tree.text(file)
    except PageError as error:
        raise PageError(f"{wanted.title} has no column for {backend}: {error}") from error
    symbols = (*wanted.reads, *wanted.outputs)
    meanings = Meanings(frozenset(symbols), frozenset(wanted.outputs))
    if file.endswith(".c"):
        steps = c_source.steps(text, name, meanings, WRITES)
    else:
        steps = python_source.steps(text, name, meanings, wanted.outputs)
    if steps is None:
        raise PageError(f"{wanted.title} has no column for {backend}: {file} does not define {name}")
    if missing := set(wanted.outputs) - _given(steps):
        raise PageError(f"{wanted.title}, {backend}: no line of {name} in {file} gives {', '.join(sorted(missing))}")
    words = {word: word for word in (*symbols, *wanted.sizes)} | meanings.aliases
    return Column(backend, file, text, _first_line(text, steps[0]), steps, words)


def _given(steps: Iterable[Step]) -> set[str]:
    return {symbol for step in steps for symbol in step.gives if step.role not in (HEAD, END)}


def _first_line(text: str, head: Step) -> int:
    """The line of the signature, past comments and decorators."""
    lines = text.splitlines()
    return next(n for n in head.lines if not lines[n - 1].startswith(("//", "DISPATCH", "#")))
