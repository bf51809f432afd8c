"""Source lines as HTML: coloured by Pygments, each symbol of the spec marked, what is defined elsewhere linked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from html import escape

from pygments.lexers import CLexer, PythonLexer, TextLexer, TOMLLexer
from pygments.token import STANDARD_TYPES, Name, String, Token, _TokenType

LEXERS = {".c": CLexer, ".h": CLexer, ".py": PythonLexer, ".toml": TOMLLexer}
Mark = Callable[[str], str | None]


def highlighted(text: str, suffix: str, symbol: Mark = lambda name: None, link: Mark = lambda name: None) -> list[str]:
    """The lines of the text in HTML. `symbol` says what a word stands for, `link` where it is defined, if anything."""
    lines, before = [""], ("", "")
    for kind, value in _tokens(text, suffix):
        word = _word(kind, value, before)
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append("")
            if part:
                lines[-1] += _span(kind, part, symbol(word) if word else None, link(value) if word else None)
        before = (before[1], value) if value.strip() else before
    return lines[: len(text.splitlines())]


@cache  # a source is shown on several pages, and most are the same when the site is built again
def _tokens(text: str, suffix: str) -> list[tuple[_TokenType, str]]:
    return list(LEXERS.get(suffix, TextLexer)(stripnl=False, ensurenl=False).get_tokens(text))


def _word(kind: _TokenType, value: str, before: tuple[str, str]) -> str:
    """The name that the token is, or the key that it quotes; d.wte is dwte, where d holds gradients."""
    if kind in Name:
        return f"d{value}" if before == ("d", ".") else value
    return value.replace(".", "_") if kind in String else ""


def _span(kind: _TokenType, text: str, symbol: str | None, link: str | None) -> str:
    style = _style(kind)
    if symbol:
        return f'<span class="{style} sym" data-symbol="{escape(symbol)}">{escape(text)}</span>'
    if link:
        return f'<a class="{style}" href="{escape(link)}">{escape(text)}</a>'
    return f'<span class="{style}">{escape(text)}</span>' if style else escape(text)


def _style(kind: _TokenType) -> str:
    """The class, after Pygments: t-k for a keyword; names and signs are left plain."""
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    plain = kind in Token.Text or kind in Token.Punctuation or kind in Token.Operator or kind is Name
    return "" if plain and kind is not Token.Operator.Word else f"t-{STANDARD_TYPES[kind]}"
