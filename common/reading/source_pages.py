"""Every source as a page of its own, so that a link to a file and line works offline."""

from __future__ import annotations

import re
from typing import Any

from .highlight import highlighted
from .places import PageError, Tree

DEFINED = {
    "c": re.compile(r"^(?:static |inline |const )*(?!return|else)[a-z_]\w* \*?([a-z_]\w*)\(", re.MULTILINE),
    "py": re.compile(r"^(?:class |def )(\w+)", re.MULTILINE),
}


class Sources:
    """Where each source and each definition stands on the site, seen from a page at its root."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.files = tree, tree.files()
        self._known = set(self.files)
        self._c = self._definitions()

    def href(self, file: str, line: int | None = None) -> str:
        """The page of the file, at the line. Raises PageError for a file that is not there."""
        if file not in self._known:
            raise PageError(f"{file} is linked, and is not there")
        return f"source/{file}.html" + (f"#L{line}" if line else "")

    def definition(self, word: str, seen_from: str) -> str | None:
        """Where another C file defines the function of that name; None if none does."""
        file, line = self._c.get(word, ("", 0)) if seen_from.endswith(".c") else ("", 0)
        return self.href(file, line) if file and file != seen_from else None

    def line_of(self, file: str, name: str) -> int:
        """The line on which the file defines a name. Raises PageError if it does not."""
        text, kind = self.tree.text(file), "py" if file.endswith(".py") else "c"
        pattern = rf"^\s*(def|class) {name}\b" if kind == "py" else rf"^[a-z].*\b{name}\("
        for number, line in enumerate(text.splitlines(), start=1):
            if re.match(pattern, line):
                return number
        raise PageError(f"{file} is linked at {name}, and does not define it")

    def pages(self) -> list[dict[str, Any]]:
        """What the template of a source needs, one after the other."""
        return [
            {
                "file": file,
                "root": "../" * (file.count("/") + 1),
                "lines": highlighted(self.tree.text(file), "." + file.rpartition(".")[2]),
            }
            for file in self.files
        ]

    def _definitions(self) -> dict[str, tuple[str, int]]:
        found: dict[str, tuple[str, int]] = {}
        for file in self.files:
            if file.startswith("mlp_c/") and file.count("/") < 3 and not file.startswith("mlp_c/program/"):
                if not file.endswith((".c", ".h")):
                    continue
                text = self.tree.text(file)
                for match in DEFINED["c"].finditer(text):
                    head = text[match.start() : match.start() + 600]
                    if "{" in head and head.find("{") < (head.find(";") if ";" in head else len(head)):
                        found[match[1]] = (file, text.count("\n", 0, match.start()) + 1)
        return found
