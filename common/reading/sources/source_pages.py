"""Every source as a page of its own, so that a link to a file and line works offline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .c_source import definitions
from .highlight import highlighted
from .places import PageError, Tree


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
        text = self.tree.text(file)
        if file.endswith(".py"):
            found = re.search(rf"^\s*(def|class) {name}\b", text, re.MULTILINE)
            line = found and text.count("\n", 0, found.end()) + 1
        else:
            line = definitions(text).get(name)
        if not line:
            raise PageError(f"{file} is linked at {name}, and does not define it")
        return line

    def pages(self) -> Iterator[dict[str, Any]]:
        """What the template of a source needs, one after the other."""
        for file in self.files:
            lines = highlighted(self.tree.text(file), "." + file.rpartition(".")[2])
            yield {"file": file, "root": "../" * (file.count("/") + 1), "lines": lines}

    def _definitions(self) -> dict[str, tuple[str, int]]:
        """The functions of the kernels: what a C file of an op may call."""
        kernels = [f for f in self.files if re.fullmatch(r"mlp_c/(ops/)?\w+\.[ch]", f)]
        return {name: (f, line) for f in kernels for name, line in definitions(self.tree.text(f)).items()}
