"""`make figures`: docs/columns(-dark).svg, an operation in C, numpy and PyTorch, cut from the sources."""

import ast
import re
import textwrap
from html import escape
from pathlib import Path

from pygments.lexers import CLexer, PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Token

ROOT = Path(__file__).resolve().parents[1]
OP = "linear"
COLUMNS = (("C", "spells out every operation", "mlp_c", 60), ("numpy", "adds the array", "mlp_numpy", 34))
COLUMNS += (("PyTorch", "adds autograd", "mlp_torch", 34),)
AUTOGRAD = "# not written: autograd derives it\n# from the forward"
CHAR, LINE, PAD = 7.3, 17, 16  # pixels: a character's width, a line's height, the space around a column
THEMES = {
    "columns.svg": {"paper": "#ffffff", "rule": "#d8d4ca", "text": "#24262b", "soft": "#6b6659", "key": "#a8451f"}
    | {"number": "#1f6f8b", "comment": "#77725f"},
    "columns-dark.svg": {"paper": "#0d1117", "rule": "#30363d", "text": "#e6e3dc", "soft": "#9aa3ad", "key": "#f0a27c"}
    | {"number": "#79c0dc", "comment": "#8b949e"},
}
COLORS = ((Comment, "comment"), (Keyword, "key"), (Name.Builtin, "key"), (Number, "number"))


def body(folder: str, function: str) -> str:
    """The statements of a function, without its signature and docstring, as they are in the source."""
    if folder == "mlp_c":
        source = (ROOT / folder / "ops" / f"{OP}.c").read_text(encoding="utf-8")
        found = re.search(rf"^void {function}\(.*?\) \{{\n(.*?)^\}}", source, re.DOTALL | re.MULTILINE)
        return textwrap.dedent(found[1]).rstrip()
    source = (ROOT / folder / "ops" / f"{OP}.py").read_text(encoding="utf-8")
    node = next(node for node in ast.parse(source).body if getattr(node, "name", "") == function)
    lines = source.splitlines()[node.body[1].lineno - 1 : node.end_lineno]  # body[0] is the docstring
    return textwrap.dedent("\n".join(lines))


def wrapped(text: str, width: int) -> list[str]:
    """The lines, each of at most `width` characters; what does not fit goes on below, a comment as a comment."""
    lines = []
    for line in text.splitlines():
        indent = re.match(r" *", line)[0] + "    "
        code, mark, comment = line.partition("  # ")
        if len(line) > width and line.endswith(" }"):  # a loop on one line becomes a block
            head, _, inside = line.removesuffix(" }").partition("{ ")
            lines += [
                f"{head}{{",
                *textwrap.wrap(indent + inside, width, subsequent_indent=f"{indent}    "),
                f"{indent[4:]}}}",
            ]
        elif len(line) <= width or not mark:
            lines += textwrap.wrap(line, width, subsequent_indent=indent, drop_whitespace=True) or [""]
        else:
            lines += [
                code,
                *textwrap.wrap(comment, width, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "),
            ]
    return lines


def picture(theme: dict[str, str]) -> str:
    """Two rows, forward and backward, of three columns."""
    rows = [[wrapped(_code(folder, way), width) for _, _, folder, width in COLUMNS] for way in ("forward", "backward")]
    parts, x, tops = [], PAD, [78, 78 + LINE * (max(map(len, rows[0])) + 3)]
    height = tops[1] + LINE * max(map(len, rows[1])) + PAD
    for column, (title, adds, folder, width) in enumerate(COLUMNS):
        adding = f'<tspan class="soft" dx="8">{adds}</tspan>'
        parts.append(f'<text x="{x}" y="30" class="title">{title}{adding}</text>')
        lexer = CLexer() if folder == "mlp_c" else PythonLexer()
        for top, row in zip(tops, rows, strict=True):
            for number, line in enumerate(row[column]):
                parts.append(
                    f'<text x="{x}" y="{top + LINE * number}" xml:space="preserve">{_spans(line, lexer)}</text>'
                )
        x += width * CHAR + 2 * PAD
        if column < 2:
            parts.append(f'<path class="rule" d="M{x - 1.4 * PAD} 14V{height - 14}"/>')
    for top, way in zip(tops, ("forward: y = x wᵀ + b", "backward: dx, dw and db from dy"), strict=True):
        parts.append(f'<text x="{PAD}" y="{top - 24}" class="soft">{way}</text>')
        parts.append(f'<path class="rule" d="M{PAD} {top - 42}H{x - PAD}"/>')
    style = (
        f"svg {{ background: {theme['paper']}; }} .rule {{ stroke: {theme['rule']}; }}"
        f"text {{ font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: {theme['text']}; }}"
        f".title {{ font: 600 20px ui-sans-serif, system-ui, sans-serif; }}"
        f".soft {{ font: 13px ui-sans-serif, system-ui, sans-serif; fill: {theme['soft']}; }}"
        + "".join(f".{name} {{ fill: {theme[name]}; }}" for name in ("key", "number", "comment"))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {x:.0f} {height}" width="{x:.0f}" role="img">',
            f"<title>The operation {OP} in C, numpy and PyTorch</title><style>{style}</style>",
            f'<rect width="100%" height="100%" fill="{theme["paper"]}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _code(folder: str, way: str) -> str:
    return AUTOGRAD if (folder, way) == ("mlp_torch", "backward") else body(folder, f"{OP}_{way}")


def _spans(line: str, lexer: CLexer | PythonLexer) -> str:
    spans = []
    for kind, value in lexer.get_tokens(line):
        name = next((name for parent, name in COLORS if kind in parent), "")
        text = escape(value.rstrip("\n"))
        spans.append(f'<tspan class="{name}">{text}</tspan>' if name and kind is not Token.Text else text)
    return "".join(spans)


if __name__ == "__main__":
    for name, theme in THEMES.items():
        (ROOT / "docs" / name).write_text(picture(theme), encoding="utf-8")
