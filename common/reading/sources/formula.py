"""A formula of the spec, as on paper."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape


def formula_html(formula: str, symbols: Iterable[str]) -> str:
    """Names in italics, those of the spec marked; w^T and g^2 raised, what is in brackets lowered."""
    known = set(symbols)

    def word(match: re.Match[str]) -> str:
        name = match[0]
        if name in known:
            return f'<var class="sym" data-symbol="{name}">{name}</var>'
        return name if name in WORDS else f"<var>{name}</var>"

    html = re.sub(r"[A-Za-z_]\w*", word, escape(formula))
    html = re.sub(r"\^(<var>)?(\w+)(</var>)?", r"<sup>\2</sup>", html)
    while "[" in html:  # from the inside out
        html = re.sub(r"\[([^\[\]]*)\]", r"<sub>\1</sub>", html)
    html = re.sub(r"(?<![\w-])-(?=[\s\w])", "−", html)
    return re.sub(r",\s+(?=<var)", '<span class="comma">, </span>', html)


WORDS = {"sum", "mean", "of", "over", "where", "tanh", "sqrt", "log", "softmax", "onehot"}
