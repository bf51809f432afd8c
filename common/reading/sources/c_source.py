"""A function of a C file, cut into steps.

No parser: the house style (clang-format, one statement a line, outputs before inputs) is what it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .steps import END, HEAD, Meanings, Step, gathered

NAME = r"[A-Za-z_]\w*"
ASSIGNED = re.compile(rf"(?:\*|\.)?({NAME}(?:(?:->|\.){NAME})*)(?:\[[^\]=]*\])?\s*[-+*/]?=(?!=)")
POINTER = re.compile(rf"(?<=[\w,] )\*({NAME}) = ({NAME})\b(?!\()")
DEFINED = re.compile(rf"^(?:(?:static|inline|const) )*{NAME} \*?({NAME})\(", re.MULTILINE)
CALLED = re.compile(rf"({NAME})\(")
HEADER = re.compile(r"(for \([^{]*?\) \{|\} else \{|else|(if|while) \([^{]*\) \{)$", re.DOTALL)
KEYWORDS = {"for", "if", "while", "sizeof", "return", "const", "real", "size_t"}


def definition(text: str, name: str) -> tuple[int, int] | None:
    """The first and the last line of a function, the comment over it included; None if it is not there."""
    lines, line = text.splitlines(), definitions(text).get(name)
    if line is None:
        return None
    first = last = line
    while first > 1 and re.match(r"//|DISPATCH", lines[first - 2]):
        first -= 1
    while not re.search(r"^}|}$" if last == line else r"^}", lines[last - 1]):
        last += 1
    return first, last


def definitions(text: str) -> dict[str, int]:
    """The line on which each function of a file is defined, not declared."""
    found = {}
    for match in DEFINED.finditer(text):
        rest = text[match.end() :]
        if "{" in rest and rest.find("{") < rest.find(";"):
            found[match[1]] = text.count("\n", 0, match.start()) + 1
    return found


def with_helpers(text: str, name: str) -> list[int]:
    """The lines of a function and of the static functions that it calls or passes on, in the order of the file."""
    lines, static = text.splitlines(), re.findall(rf"^static [^(\n]*?({NAME})\([^)]*\) \{{", text, re.MULTILINE)
    found, waiting = set(), [name]
    while waiting:
        first, last = definition(text, waiting.pop()) or (1, 0)
        if first not in found:
            found.update(range(first, last + 1))
            waiting += set(static).intersection(re.findall(NAME, "\n".join(lines[first - 1 : last])))
    return sorted(found)


def steps(text: str, name: str, meanings: Meanings, outputs: Mapping[str, int]) -> list[Step] | None:
    """The function's steps; None if it is not there. `outputs`: how many arguments a called function writes."""
    place = definition(text, name)
    if place is None or place[0] == place[1]:
        return place and [Step(place[:1], role=HEAD)]
    lines = text.splitlines()
    body = next(i for i in range(place[0] - 1, place[1]) if re.search(r"\{( .*)?$", _code(lines[i])))
    found = [Step(tuple(range(place[0], body + 2)), role=HEAD)]
    for numbers in _statements(lines, body + 1, place[1] - 1):
        code = "\n".join(_code(lines[i]).strip() for i in numbers)
        found.append(replace(_step(code, meanings, outputs), lines=tuple(i + 1 for i in numbers)))
    return gathered([*found, Step((place[1],), role=END)])


def _statements(lines: Sequence[str], first: int, end: int) -> Iterator[list[int]]:
    """The numbers of the lines of each statement, with what leads to it and the braces that close after it."""
    held: list[int] = []
    done: list[int] = []
    for i in range(first, end):
        code = _code(lines[i]).strip()
        if done and re.fullmatch(r"\};?|", code) and not held:
            done.append(i)
            continue
        held.append(i)
        whole = "\n".join(_code(lines[j]).strip() for j in held)
        if whole.count("(") == whole.count(")") and code.endswith((";", "}")) and _is_complete(whole):
            if done:
                yield done
            done, held = held, []
    if done or held:
        yield done + held


def _is_complete(code: str) -> bool:
    """Whether there is more than headers and declarations of pointers, and no initializer is left open."""
    open_initializer = re.search(r"= \{[^}]*$", code)
    pointers = all(POINTER.search(line) or HEADER.match(line) or not line for line in code.split("\n"))
    return not open_initializer and not pointers


def _step(code: str, meanings: Meanings, outputs: Mapping[str, int]) -> Step:
    """What the statement gives and takes: by assignment, else by the call that it is."""
    conditions = [name for match in re.findall(r"\bif \((.*?)\) \{", code) for name in _names(match)]
    code = re.sub(r"for \([^{]*?\) \{|if \(.*?\) \{", "", code)
    for alias, symbol in POINTER.findall(code):
        meanings.aliases[alias] = meanings.aliases.get(symbol, symbol)
    code = POINTER.sub("", code)
    step = meanings.assign([], conditions)
    assigned = list(ASSIGNED.finditer(code))
    ends = [*(match.start() for match in assigned[1:]), len(code)]
    for match, end in zip(assigned, ends, strict=False):
        step = step.then(meanings.assign([_member(match[1])], _names(code[match.end() : end])))
    for match in CALLED.finditer(code) if not assigned else ():
        if match[1] not in KEYWORDS:
            arguments = _names(code[match.end() :])
            count = outputs.get(match[1], 1)
            return step.then(meanings.assign(arguments[:count], arguments[count:]))
    return step if assigned else step.then(meanings.assign([], _names(code)))


def _names(code: str) -> list[str]:
    """Every name, a member by its own: emb of m->emb, dwte of d.wte where d holds gradients."""
    return [_member(name) for name in re.findall(rf"{NAME}(?:(?:->|\.){NAME})*", code) if name not in KEYWORDS]


def _member(name: str) -> str:
    *owner, last = re.split(r"->|\.", name)
    return f"d{last}" if owner == ["d"] else last


def _code(line: str) -> str:
    return line.partition("//")[0].rstrip()
