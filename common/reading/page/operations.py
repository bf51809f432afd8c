"""What the page shows of each op: formula, shapes, three aligned columns, and what was measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from nnz.backend import spec

from ..sources.alignment import counterparts, places
from ..sources.columns import MLP, Column, SideBySide, Wanted, of_spec, side_by_side
from ..sources.formula import formula_html
from ..sources.highlight import highlighted
from ..sources.places import Tree
from ..sources.source_pages import Sources
from ..sources.steps import END, HEAD, Step
from .facts import ADDS
from .figures import Figures
from .variants import PLAIN, variants

DERIVED = re.compile(r"\bvjp\(|autograd\.grad\(")
OWN_KERNEL = re.compile(r"torch\.ops\.aten\.\w*backward")
PASS = ("embedding", "linear", "tanh", "batch_norm", "cross_entropy", "sgd", "adamw")  # a forward, back, an update
PASS += ("layer_norm", "rms_norm", "attention", "relu", "gelu", "dropout", "clip")  # and what a GPT has besides


@dataclass(frozen=True)
class Page:
    """What the templates need besides the functions themselves."""

    tree: Tree
    sources: Sources
    figures: Figures


def operations(page: Page) -> list[dict[str, Any]]:
    """Every op of the spec with its functions. Raises PageError if a column is missing."""
    ordered = sorted(spec.OPS.values(), key=lambda op: PASS.index(op.name) if op.name in PASS else len(PASS))
    return [
        {"name": op.name, "source": op.source, "functions": [_of_spec(page, op, function) for function in op.functions]}
        for op in ordered
    ]


def models(page: Page) -> list[dict[str, Any]]:
    """The MLP, forward and backward. Raises PageError if a column is missing."""
    return [_function(page, side_by_side(page.tree, wanted), "mlp") for wanted in MLP]


def _of_spec(page: Page, op: spec.Op, function: spec.Function) -> dict[str, Any]:
    wanted = of_spec(op, function)
    shapes = [*((n, s, "in") for n, s in (function.updates | function.inputs).items())]
    shapes += [(n, s, "out") for n, s in (function.outputs or function.updates).items()]
    symbols = [*function.inputs, *function.outputs, *function.updates, *function.scalars]
    parts = _function(page, side_by_side(page.tree, wanted), function.name, op.name)
    return parts | {"shapes": shapes, "formula": formula_html(function.formula, symbols), "scalars": function.scalars}


def _function(page: Page, laid: SideBySide, measured: str, op: str = "") -> dict[str, Any]:
    key = re.sub(r"\W+", "-", laid.wanted.title)
    columns = [_column(page, laid, name, key, measured, op) for name in laid.columns]
    return {"title": laid.wanted.title, "key": key, "columns": columns, "rows": max(places(laid.rows))}


def _column(page: Page, laid: SideBySide, name: str, key: str, measured: str, op: str) -> dict[str, Any]:
    column = laid.columns[name]
    suffix = "." + column.file.rpartition(".")[2]
    html = highlighted(column.text, suffix, column.symbols.get, lambda word: page.sources.definition(word, column.file))
    ids = {
        (backend, row[backend].lines): f"{key}-{backend}-{number}"
        for number, row in enumerate(laid.rows, start=1)
        for backend in row
    }
    cells = []
    for number, row in zip(places(laid.rows), laid.rows, strict=True):
        if name in row:
            cell = _cell(column, row[name], html, number) | {"id": ids[name, row[name].lines]}
            others = counterparts(laid.rows, name, row[name])
            cell["counterparts"] = " ".join(ids[b, s.lines] for b, steps in others.items() for s in steps)
            cells.append(cell)
    return {
        "backend": name,
        "title": ADDS[name][0],
        "file": column.file,
        "line": column.line,
        "href": page.sources.href(column.file, column.line),
        "cells": cells,
        "runs": page.figures.of(measured, PLAIN.get(name, name)),
        "variants": variants(page.sources, page.figures, op, measured, column) if op else [],
        "note": _note(laid.wanted, column, page.figures, measured),
    }


def _cell(column: Column, step: Step, html: list[str], row: int) -> dict[str, Any]:
    text = column.text.splitlines()
    lines = [n for n in step.lines if text[n - 1].strip()]
    margin = _indent(text[column.line - 1])  # a method's, which every line of it has
    return {
        "row": row,
        "role": step.role,
        "label": _label(step),
        "lines": [
            {
                "number": n,
                "html": re.sub(rf"^((?:<span[^>]*>)?) {{{margin}}}", r"\1", html[n - 1]),
                "indent": _indent(text[n - 1]) - margin,
            }
            for n in lines
        ],
    }


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _label(step: Step) -> str:
    """What a screen reader says before the lines."""
    if step.role:
        return {HEAD: "signature", END: "end"}[step.role]
    if step.gives:
        out_of = f" from {', '.join(sorted(step.takes))}" if step.takes else ""
        return f"{', '.join(sorted(step.gives))}{out_of}"
    return f"on the way, from {', '.join(sorted(step.takes))}" if step.takes else "on the way"


def _note(wanted: Wanted, column: Column, figures: Figures, measured: str) -> str:
    """What is said under a column that does not write its gradient out."""
    code = "\n".join(column.text.splitlines()[n - 1] for step in column.steps for n in step.lines)
    derived, own = DERIVED.search(code), OWN_KERNEL.search(code)
    if not (derived or own):
        return ""
    what = "The gradient is not written: autograd derives it from the forward."
    if not derived:
        what = "The gradient is not written: this is the kernel that autograd itself calls."
    known = [
        f"{run.accuracy.ulp:.2g} ULP in {run.dtype}" for run in figures.of(measured, column.backend) if run.accuracy
    ]
    if not known:
        return what
    return f"{what} It was checked against the float64 oracle: at most {' and '.join(known)}."
