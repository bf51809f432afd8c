"""How long a source is."""

from __future__ import annotations

import re


def code_lines(text: str, is_python: bool) -> int:
    """Lines that hold code: no blank lines, no comments, no docstrings."""
    text = re.sub(r'"""(.|\n)*?"""', "", text) if is_python else text
    comment = "#" if is_python else "//"
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith(comment))
