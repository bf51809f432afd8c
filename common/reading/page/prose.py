"""Markdown as a page: its links lead to the pages and sources of the site, and a dead one breaks the build."""

from __future__ import annotations

import posixpath
import re
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ..sources.places import PageError
from ..sources.source_pages import Sources

PAGES = {  # in the repository -> on the site
    "README.md": "index.html",
    "mlp_c/train.c": "program.html",
    "docs/architecture.md": "architecture.html",
    "docs/walk.md": "walk.html",
    "docs/runs.md": "runs.html",
    "docs/parity.md": "parity.html",
    "docs/reliability.md": "reliability.html",
    "docs/speed.md": "speed.html",
    "docs/ladder.md": "ladder.html",
    "docs/gpt.md": "gpt.html",
    "docs/microgpt.md": "microgpt.html",
    "docs/numerics.md": "floating-point.html",
    "docs/strict.md": "strict.html",
    "docs/platforms.md": "platforms.html",
    "docs/new-backend.md": "your-own-backend.html",
    "docs/protocol.md": "your-own-backend.html",
    "docs/kill-matrix.md": "kill-matrix.html",
}
TABLE = '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>'


def page_html(sources: Sources, *files: str) -> str:
    """The texts one after the other; all but the first without their title. Raises PageError for a dead link."""
    return "\n".join(_html(sources, file, titled=number == 0) for number, file in enumerate(files))


def _html(sources: Sources, file: str, titled: bool) -> str:
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.add_render_rule("table_open", lambda *_: TABLE)
    markdown.add_render_rule("table_close", lambda *_: "</table></div>")
    markdown.add_render_rule("html_block", lambda _, tokens, i, *rest: _html_table(tokens[i].content))
    for block in ("fence", "code_block"):
        markdown.add_render_rule(block, lambda _, tokens, i, *rest: _code(tokens[i].content))
    tokens = markdown.parse(sources.tree.text(file))
    if not titled and tokens[0].type == "heading_open":
        tokens = tokens[3:]
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "inline":
            _finish(sources, file, token, before)
    return markdown.renderer.render(tokens, markdown.options, {})


def _html_table(text: str) -> str:
    """HTML as it stands, but a table, whose cells hold code, can be scrolled as one of Markdown can."""
    return text.replace("<table>", TABLE).replace("</table>", "</table></div>")


def _code(text: str) -> str:
    """A block of code, which can be scrolled by keyboard too."""
    return f'<pre tabindex="0" role="region" aria-label="code"><code>{escape(text)}</code></pre>\n'


def _finish(sources: Sources, file: str, token: Token, opening: Token | None) -> None:
    """Give headings a name, links their target, and the marks of the kill matrix their colour."""
    if opening is not None and opening.type == "heading_open":
        opening.attrSet("id", re.sub(r"\W+", "-", token.content.lower()).strip("-"))
    if opening is not None and opening.type == "td_open":
        marked = {"x": "yes", ".": "no"}.get(token.content) or ("mutant" if "_" in token.content else "")
        if marked:
            opening.attrSet("class", marked)
        for child in token.children if marked == "mutant" else ():
            child.type, child.content = "html_inline", escape(child.content).replace("_", "_<wbr>")
    for child in token.children or ():
        if child.type == "link_open":
            child.attrSet("href", _target(sources, file, str(child.attrGet("href"))))
        elif child.type == "image":  # of docs/, all of which are copied
            child.attrSet("src", f"assets/{child.attrGet('src')}")


def _target(sources: Sources, file: str, href: str) -> str:
    if re.match(r"https?://|#", href):
        return href
    name, _, anchor = href.partition("#")
    name = posixpath.normpath(posixpath.join(posixpath.dirname(file), name)) if file.startswith("docs/") else name
    if name in PAGES:
        return PAGES[name]
    if name.endswith(".html"):
        return href
    if sources.tree.path(name).is_dir():  # a room says in its __init__.py what is there
        name = f"{name}/__init__.py"
    try:
        return sources.href(name, sources.line_of(name, anchor) if anchor else None)
    except PageError as error:
        raise PageError(f"{file}: {error}") from error
