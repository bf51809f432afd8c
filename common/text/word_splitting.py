"""Split running text into words and marks, and space them again.

A word is in lower case, composed (NFC), and keeps its inner apostrophes and hyphens: don't, well-known. A number keeps
its points and commas: 1,000.5. Any other character is a mark of its own, except "--" and "...". A straight quote can
open or close: two tokens, told apart by the characters around them; the opening one ends in GLUE, so that it can be
spaced without memory. Chinese, Japanese, Thai, Lao, Khmer and Burmese have no spaces between words: there each
character is a token, with its vowels and tones. A blank line is one token, PARAGRAPH. In a text without blank lines the
token is LINE_END. Otherwise line ends are spaces, because books break lines where the page ends.
"""

import re
import unicodedata
from functools import cache

PARAGRAPH, LINE_END, UNKNOWN = "\n\n", "\n", "<unk>"
GLUE = "\u2060"  # Unicode's word joiner: what follows stays close

AFTER_WORD = frozenset(",.;:!?…)]}”’»%\"'。，、；：！？）】」』") | {"..."}  # no space before
BEFORE_WORD = frozenset("([{“‘«¿¡$£€#（【「『")  # no space after
BETWEEN = frozenset(("—", "--", "/"))  # neither

UNSPACED = (  # the scripts without spaces: Thai and Lao, Burmese, Khmer, kana, Han
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
CLOSE = re.compile(rf"[{UNSPACED}\u3001-\u303f\u30fb\uff01-\uff65]")  # these and the marks that go with them

_BLANK_LINE = re.compile(r"\n\s*\n")
BEFORE_QUOTE = r"\s(\[{“‘«—/-"  # what an opening quote comes after, as part of a character class
_OPENING_QUOTE = re.compile(rf"""["'’](?=\S)(?<![^{BEFORE_QUOTE}].)""")  # the quote first: `re` can skip to it
_SPELLED = str.maketrans({"’": "'", "\u2011": "-", "\u2010": "-"})  # inside a word all of these are one


def has_paragraphs(text: str) -> bool:
    """Tell whether there is a blank line within the text."""
    return _BLANK_LINE.search(text.strip()) is not None


def tokens(text: str, end: str = PARAGRAPH) -> list[str]:
    """The words and marks of `text`; at the end of a paragraph `end`, which is PARAGRAPH or LINE_END."""
    text = unicodedata.normalize("NFC", text.replace(GLUE, "").lower())
    found = _pattern(end).findall(_OPENING_QUOTE.sub(rf"\g<0>{GLUE}", text))
    spelled = {token: _spelled(token, end) for token in set(found)}
    return [spelled[token] for token in found]


def gap(before: str, after: str) -> str:
    """The space, if any, between two neighbouring tokens; `before` is empty at the start."""
    if not before or before[-1] in ("\n", GLUE) or after[0] == "\n":
        return ""
    if CLOSE.match(before[-1]) and CLOSE.match(after[0]):
        return ""
    return "" if before in BEFORE_WORD | BETWEEN or after in AFTER_WORD | BETWEEN else " "


@cache
def _pattern(end: str) -> re.Pattern:
    letter, marks = rf"[^\W_{UNSPACED}]", f"[{_marks()}]"  # \w has no combining marks, and Hindi vowels are some
    letters = rf"{letter}+(?:{marks}+{letter}*)*"
    word = rf"{letters}(?:(?:['’\u2010\u2011-]|(?<=\d)[.,:](?=\d)){letters})*"
    paragraph = _BLANK_LINE.pattern if end == PARAGRAPH else r"\n(?:\s*\n)?"
    return re.compile(rf"{paragraph}|{UNKNOWN}|{word}|[{UNSPACED}]{marks}*|[\"'’]{GLUE}|--+|\.(?: ?\.)+|[^\s{GLUE}]")


@cache
def _marks() -> str:
    """The combining characters of the basic plane (beyond it `re` is slow), and the invisible joiners."""
    found = (chr(i) for i in range(0x300, 0x10000) if unicodedata.category(chr(i))[0] == "M")
    return "".join(found) + "\u200c\u200d"


def _spelled(token: str, end: str) -> str:
    if token[0].isspace():
        return end
    if token[:2] in ("--", "..", ". "):
        return "..." if token[0] == "." else "--"
    return token.translate(_SPELLED) if len(token) > 1 and token[-1] != GLUE else token
