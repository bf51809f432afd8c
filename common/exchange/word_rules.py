"""A tokenizer of words for tokenizer.json: the rules of nnz.text.word_splitting as expressions of Oniguruma.

A Replace writes always the same text, so each spelling is a rule of its own. The pre-tokenizer cuts out what Python's
pattern finds. The decoder puts a space before each token, and then takes away those that `gap` does not have. The first
word has one too, as in `pieces` after a word: the pipeline of transformers decodes only what is new.

For a character that Python or Oniguruma does not know yet, because its Unicode is older, the ids may differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..text.word_splitting import (
    AFTER_WORD,
    BEFORE_QUOTE,
    BEFORE_WORD,
    BETWEEN,
    CLOSE,
    GLUE,
    PARAGRAPH,
    UNKNOWN,
    UNSPACED,
)

# What Python calls \s, [^\W_] and, in the basic plane, the combining characters
SPACE = r"\s\x{1c}-\x{1f}"
LETTER = rf"[\p{{L}}\p{{N}}&&[^{UNSPACED}]]"
MARK = r"(?:[\p{M}&&[\x{300}-\x{ffff}]]|[\x{200c}\x{200d}])"

# Python's lower() knows that the sigma at the end of a Greek word is another
LAST_SIGMA = r"[\p{Cased}&&\P{Case_Ignorable}]\p{Case_Ignorable}*\KΣ(?!\p{Case_Ignorable}*+\p{Cased})"


def parts(end: str) -> dict[str, Any]:
    """What comes before and after the vocabulary; `end` is the token that ends a paragraph."""
    quote, before_quote = "[\"'’]", BEFORE_QUOTE.replace(r"\s", SPACE)
    rules = [
        (GLUE, ""),
        (LAST_SIGMA, "ς"),
        {"type": "Lowercase"},
        {"type": "NFC"},
        (rf"{LETTER}{MARK}*\K’(?={LETTER})", "'"),
        (rf"{LETTER}{MARK}*\K[\u2010\u2011](?={LETTER})", "-"),
        ("--+", "--"),
        (r"\.(?: ?\.)+", "..."),
        (rf"\n[{SPACE}]*\n" if end == PARAGRAPH else rf"\n(?:[{SPACE}]*\n)?", end),
        (rf"(?<=\A{quote}|[{before_quote}]{quote})(?=[^{SPACE}])", GLUE),
    ]
    letters = f"{LETTER}+(?:{MARK}+{LETTER}*)*"
    word = rf"{letters}(?:(?:['-]|(?<=\d)[.,:](?=\d)){letters})*"
    marks = rf"{quote}{GLUE}|--|\.\.\.|[^{SPACE}{GLUE}]"
    pattern = {"Regex": f"{end}|{UNKNOWN}|{word}|[{UNSPACED}]{MARK}*|{marks}"}
    before, after = _any(BEFORE_WORD | BETWEEN), _any(AFTER_WORD | BETWEEN)
    close = f"(?<={CLOSE.pattern}) (?={CLOSE.pattern})"
    no_gap = rf" (?=\n|(?:{after})(?: |\z))|(?<=[\n{GLUE}]|{before}) |{close}"
    return {
        "normalizer": _sequence("normalizers", rules),
        "pre_tokenizer": {"type": "Split", "pattern": pattern, "behavior": "Removed", "invert": True},
        "decoder": _sequence("decoders", [(r"\A", " "), {"type": "Fuse"}, (no_gap, ""), (GLUE, "")]),
    }


def _sequence(name: str, rules: Iterable[dict[str, Any] | tuple[str, str]]) -> dict[str, Any]:
    """Rules one after the other; a pair is a Replace."""
    return {"type": "Sequence", name: [rule if isinstance(rule, dict) else _replace(*rule) for rule in rules]}


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _any(tokens: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(tokens)))
