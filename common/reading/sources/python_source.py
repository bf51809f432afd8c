"""A function of a Python file, cut into steps; the file is read, never imported, so that torch need not be there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .steps import END, HEAD, Meanings, Step, gathered


def definition(text: str, name: str) -> ast.FunctionDef | ast.ClassDef | None:
    """The function or class of that name, `Class.method` for a method; None if it is not there."""
    nodes: list[ast.stmt] = ast.parse(text).body
    found = None
    for part in name.split("."):
        kinds = ast.FunctionDef | ast.ClassDef
        found = next((node for node in nodes if isinstance(node, kinds) and node.name == part), None)
        if found is None:
            return None
        nodes = found.body
    return found


def steps(text: str, name: str, meanings: Meanings, outputs: Sequence[str]) -> list[Step] | None:
    """The function's steps; `outputs` are the symbols that it returns, in order. None if it is not there."""
    node = definition(text, name)
    if not isinstance(node, ast.FunctionDef):
        return None
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
    last = node.body[0].end_lineno if len(body) < len(node.body) else body[0].lineno - 1
    _alias_what_is_returned(body[-1], meanings, outputs)
    found = [Step(tuple(range(first, last + 1)), role=HEAD)]
    given: frozenset[str] = frozenset()
    for statement, conditions in _simple(body):
        start = found[-1].lines[-1] + 1  # with the lines between, such as `if` and comments
        lines = tuple(range(start, statement.end_lineno + 1))
        is_last = statement is body[-1]
        missing = [name for name in outputs if name not in given]
        step = replace(_step(statement, conditions, meanings, missing), lines=lines)
        given |= step.gives if is_last or not isinstance(statement, ast.Return) else frozenset()
        at_end = isinstance(statement, ast.Return) and is_last and not step.gives
        found.append(Step(lines, role=END) if at_end else step)
    return gathered(found)


def _simple(body: Sequence[ast.stmt], conditions: tuple[str, ...] = ()) -> Iterator[tuple[ast.stmt, tuple[str, ...]]]:
    """Every statement that holds no other, with the names in the conditions under which it runs."""
    for statement in body:
        if isinstance(statement, ast.If):
            inside = (*conditions, *_names(statement.test))
            yield from _simple(statement.body, inside)
            yield from _simple(statement.orelse, inside)
        elif isinstance(statement, ast.For | ast.While | ast.With):
            yield from _simple(statement.body, conditions)
        else:
            yield statement, conditions


def _step(statement: ast.stmt, conditions: Sequence[str], meanings: Meanings, missing: Sequence[str]) -> Step:
    """What the statement gives and takes; a return of more than names gives the outputs that are still missing."""
    if isinstance(statement, ast.Assign):
        step = meanings.assign([], conditions)
        for target, value in _pairs(statement):
            step = step.then(meanings.assign(_targets(target), [*_names(value), *_indices(target)]))
        return step
    if isinstance(statement, ast.AugAssign):
        return meanings.assign(_targets(statement.target), [*conditions, *_names(statement.value)])
    if isinstance(statement, ast.Return) and statement.value is not None:
        only_names = all(isinstance(part, ast.Name | ast.Constant) for part in _elements(statement.value))
        return meanings.assign([] if only_names else missing, [*conditions, *_names(statement.value)])
    if isinstance(statement, ast.Expr) and (target := _written_in_place(statement.value)):
        return meanings.assign([target], [*conditions, *(n for n in _names(statement.value) if n != target)])
    return meanings.assign([], [*conditions, *_names(statement)])


def _written_in_place(call: ast.expr) -> str | None:
    """p of `p.mul_(a).add_(b)`: torch's methods that end in _ write to their own tensor."""
    target = None
    while isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        target = call.func.attr.endswith("_")
        call = call.func.value
    return call.id if target and isinstance(call, ast.Name) else None


def _alias_what_is_returned(statement: ast.stmt, meanings: Meanings, outputs: Sequence[str]) -> None:
    """A name returned in the place of an output is that output by another name."""
    parts = _elements(statement.value) if isinstance(statement, ast.Return) else []
    if len(parts) == len(outputs):
        for part, output in zip(parts, outputs, strict=True):
            if isinstance(part, ast.Name) and part.id not in outputs:
                meanings.aliases[part.id] = output


def _elements(value: ast.expr | None) -> list[ast.expr]:
    return value.elts if isinstance(value, ast.Tuple) else [value] if value is not None else []


def _targets(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Tuple):
        return [name for part in node.elts for name in _targets(part)]
    if isinstance(node, ast.Subscript) and _key(node):
        return [_key(node)]
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return [node.id] if isinstance(node, ast.Name) else []


def _pairs(statement: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """Target and value; of `a, b = c, d` each with its own."""
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def _indices(target: ast.expr) -> list[str]:
    return _names(target.slice) if isinstance(target, ast.Subscript) else []


def _names(node: ast.AST) -> list[str]:
    """Every name and every key in the node, such as wte of p["wte"]."""
    walked = list(ast.walk(node))
    names = [part.id for part in walked if isinstance(part, ast.Name)]
    return names + [key for part in walked if isinstance(part, ast.Subscript) and (key := _key(part))]


def _key(node: ast.Subscript) -> str:
    value = getattr(node.slice, "value", None)
    return value.replace(".", "_") if isinstance(value, str) else ""
