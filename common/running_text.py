"""Running text cut into words and marks, and the spacing that puts them together again.

A word is lower-cased, composed (NFC) and keeps its inner apostrophes and hyphens: don't, well-known; so does a number
its points: 1,000.5. Any other character is a mark of its own, but for "--" and "...". A quote that could open or close
is two tokens, told apart by what stands around it; the opening one ends in GLUE, so that it is spaced without memory.
A blank line is one token, PARAGRAPH: it says that a thought has ended. In a text without any, LINE_END is that token.
Elsewhere line ends are spaces, for books break their lines where the page ends.
"""

import re
import unicodedata
from functools import cache

PARAGRAPH, LINE_END, UNKNOWN = "\n\n", "\n", "<unk>"
GLUE = "\u2060"  # Unicode's word joiner: what follows stays close

_AFTER_WORD = frozenset(",.;:!?…)]}”’»%\"'。，、；：！？）】」』") | {"..."}  # no space before
_BEFORE_WORD = frozenset("([{“‘«¿¡$£€#（【「『")  # no space after
_BETWEEN = frozenset(("—", "--", "/"))  # neither

_BLANK_LINE = re.compile(r"\n\s*\n")
_OPENING_QUOTE = re.compile(r"""["'’](?=\S)(?<![^\s(\[{“‘«—/-].)""")  # the quote first, for `re` skips to it
_SPELLED = str.maketrans({"’": "'", "\u2011": "-", "\u2010": "-"})  # inside a word all of these are one


def has_paragraphs(text: str) -> bool:
    """Tell whether a blank line stands anywhere within the text."""
    return _BLANK_LINE.search(text.strip()) is not None


def tokens(text: str, end: str = PARAGRAPH) -> list[str]:
    """The words and marks of `text`; where a paragraph ends, `end`: PARAGRAPH or LINE_END."""
    text = unicodedata.normalize("NFC", text.replace(GLUE, "").lower())
    found = _pattern(end).findall(_OPENING_QUOTE.sub(rf"\g<0>{GLUE}", text))
    spelled = {token: _spelled(token, end) for token in set(found)}
    return [spelled[token] for token in found]


def gap(before: str, after: str) -> str:
    """The space, if any, between two neighbouring tokens; `before` is empty at the start."""
    if not before or before[-1] in ("\n", GLUE) or after[0] == "\n":
        return ""
    return "" if before in _BEFORE_WORD | _BETWEEN or after in _AFTER_WORD | _BETWEEN else " "


@cache
def _pattern(end: str) -> re.Pattern:
    letters = rf"[^\W_]+(?:[{_marks()}]+[^\W_]*)*"  # Python's \w has no combining marks, and Hindi vowels are some
    word = rf"{letters}(?:(?:['’\u2010\u2011-]|(?<=\d)[.,:](?=\d)){letters})*"
    paragraph = _BLANK_LINE.pattern if end == PARAGRAPH else r"\n(?:\s*\n)?"
    return re.compile(rf"{paragraph}|{UNKNOWN}|{word}|[\"'’]{GLUE}|--+|\.(?: ?\.)+|[^\s{GLUE}]")


@cache
def _marks() -> str:
    """The combining characters of the basic plane (beyond it `re` searches a set slowly), and the invisible joiners."""
    found = (chr(i) for i in range(0x300, 0x10000) if unicodedata.category(chr(i))[0] == "M")
    return "".join(found) + "\u200c\u200d"


def _spelled(token: str, end: str) -> str:
    if token[0].isspace():
        return end
    if token[:2] in ("--", "..", ". "):
        return "..." if token[0] == "." else "--"
    return token.translate(_SPELLED) if len(token) > 1 and token[-1] != GLUE else token
