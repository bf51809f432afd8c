"""How long a source is."""

from __future__ import annotations

import re


def code_lines(text: str, is_python: bool) -> int:
    """Lines that hold code: no blank lines, no comments, no docstrings; and nothing that strict float32 alone needs.

    In torch that is an autograd.Function for each op, and the two lines that lead to it.
    """
    if is_python:
        text = re.sub(r'"""(.|\n)*?"""', "", text)
        text = re.sub(
            r"^class _Strict.*\n((    .*)?\n)*|^ +if by is Strict:\n( {8}.*\n)+", "", text, flags=re.MULTILINE
        )
    comment = "#" if is_python else "//"
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith(comment))
