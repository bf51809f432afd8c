"""`make figures`: the pieces of source in docs/, each between two markers that name its file and functions."""

import ast
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"(<!-- source (\S+)((?: \w+)*) -->\n).*?(<!-- /source -->)", re.DOTALL)
ROWS = re.compile(r"(<!-- kill-rows((?: \w+)*) -->\n).*?(<!-- /kill-rows -->)", re.DOTALL)
LANGUAGES = {".c": "c", ".h": "c", ".py": "python"}


def filled(page: str) -> str:
    """The page with every piece of source as it is now. Raises ValueError for a function that is not there."""
    page = BLOCK.sub(lambda match: f"{match[1]}{_piece(match[2], match[3].split())}{match[4]}", page)
    return ROWS.sub(lambda match: f"{match[1]}{_rows(match[2].split())}{match[3]}", page)


def _rows(mutants: list[str]) -> str:
    """Rows of the kill matrix, by the names of their mutants."""
    matrix = (ROOT / "docs" / "kill-matrix.md").read_text(encoding="utf-8").splitlines()
    head = next(i for i, line in enumerate(matrix) if line.startswith("| mutant "))
    rows = [line for line in matrix[head + 2 :] if line.startswith("|") and line.split("|")[1].strip() in mutants]
    return "".join(
        re.sub(r" +\|", " |", re.sub(r"-+", "---", line) if "--" in line else line) + "\n"
        for line in [*matrix[head : head + 2], *rows]
    )


def _piece(path: str, functions: list[str]) -> str:
    source = (ROOT / path).read_text(encoding="utf-8")
    cut = _python if path.endswith(".py") else _c
    text = "\n\n\n".join(cut(source, name) for name in functions) if functions else _body(source, path)
    return f"```{LANGUAGES[Path(path).suffix]}\n{text.strip()}\n```\n"


def _body(source: str, path: str) -> str:
    """A whole file but for its first comment or docstring and its imports."""
    if path.endswith(".c"):
        return re.sub(r"\A// .*\n|^#include .*\n", "", source, flags=re.MULTILINE)
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return "\n\n\n".join(_python(source, name) for name in functions)


def _python(source: str, name: str) -> str:
    for node in ast.walk(ast.parse(source)):
        if getattr(node, "name", "") == name:
            return textwrap.dedent("\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno]))
    raise ValueError(f"there is no function {name}")


def _c(source: str, name: str) -> str:
    """The function with the comment above it."""
    found = re.search(rf"(?:^//.*\n)*^[a-z].*\b{name}\((?:.*\n)+?^\}}", source, re.MULTILINE)
    if found is None:
        raise ValueError(f"there is no function {name}")
    return found[0]


if __name__ == "__main__":
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        if (after := filled(before)) != before:
            page.write_text(after, encoding="utf-8")
