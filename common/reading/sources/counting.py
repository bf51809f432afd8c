"""How long a source is."""

from __future__ import annotations

import re


def code_lines(text: str, is_python: bool) -> int:
    """The number of lines that hold code: not blank lines, comments or docstrings."""
    if is_python:
        text = re.sub(r'"""(.|\n)*?"""', "", text)
    comment = "#" if is_python else "//"
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith(comment))
