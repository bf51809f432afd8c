"""`make figures`: docs/architecture.svg, the rooms of common/, with an arrow for each use, read off the imports."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
ROOMS = ["numbers", "files", "backend", "text", "exchange", "recipes", "runs", "pictures", "training", "conformance"]
ROOMS += ["reading", "commands"]  # from the ground up
GROUND = ROOMS[:3]  # which every room above may use: their arrows are not drawn
WIDTH, ROW, BOX, LEFT = 900, 58, 32, 420

STYLE = """
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #24262b; } .small { font-size: 12px; fill: #5a564c; }
.room { fill: #fff; stroke: #8a8578; } .tip { fill: #6b6659; }
.use { fill: none; stroke: #6b6659; } .climbs { fill: none; stroke: #c22; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e3dc; } .small { fill: #aeb4bd; } .room { fill: #1c1f25; stroke: #7d838d; }
.use { stroke: #9aa3ad; } .tip { fill: #9aa3ad; }
}
"""


def uses() -> Counter[tuple[str, str]]:
    """How many imports lead from each room to each other."""
    found: Counter[tuple[str, str]] = Counter()
    for room in ROOMS:
        for path in (ROOT / "common" / room).rglob("*.py"):
            depth = len(path.relative_to(ROOT / "common").parts) - 1  # dots that lead up to nnz
            for level, module in _imports(path):
                name = module.removeprefix("nnz.").split(".")[0] if level == 0 and module.startswith("nnz.") else ""
                name = module.split(".")[0] if level == depth + 1 else name
                found[room, name] += name in ROOMS and name != room
    return +found


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """(dots, module) of each `from ... import`; of `from .. import room` the module is the room."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module and node.module != "nnz" else []
            names = names or [f"nnz.{a.name}" if node.module else a.name for a in node.names]
            yield from ((node.level, name) for name in names)


def summary(room: str) -> str:
    """The first sentence of the room's docstring, to its first stop."""
    text = ast.get_docstring(ast.parse((ROOT / "common" / room / "__init__.py").read_text(encoding="utf-8")))
    return re.split(r"[:;.] ", (text or "").replace("\n", " "))[0].rstrip(".")


def svg() -> str:
    """The rooms in a column, the ground at the bottom; an arrow that skips a room is an arc."""
    found = uses()
    y = {room: 30 + ROW * (len(ROOMS) - 1 - i) for i, room in enumerate(ROOMS)}
    height = 30 + ROW * len(ROOMS)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">']
    parts.append("<title>Which room of nnz uses which</title>")
    parts.append(f"<style>{STYLE}</style>")
    parts.append(
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
        'markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    right = LEFT + 190
    for (user, used), count in sorted(found.items()):
        if used not in GROUND or user in GROUND:
            parts.append(_arrow(y, user, used, count, right))
    for room in ROOMS:
        parts.append(f'<rect class="room" x="{LEFT}" y="{y[room]}" width="190" height="{BOX}" rx="6"/>')
        parts.append(f'<text x="{LEFT + 12}" y="{y[room] + 22}">{room}/</text>')
        parts.append(f'<text class="small" x="{LEFT - 12}" y="{y[room] + 22}" text-anchor="end">{summary(room)}</text>')
    top, bottom = y[GROUND[-1]], y[GROUND[0]] + BOX
    parts.append(f'<path class="use" d="M{right + 60} {top}h12V{bottom}h-12"/>')
    parts.append(
        f'<text class="small" x="{right + 84}" y="{(top + bottom) / 2 + 4}">every room above uses these</text>'
    )
    parts.append("</svg>\n")
    return "\n".join(parts)


def _arrow(y: dict[str, int], user: str, used: str, count: int, right: int) -> str:
    """From the user down to the used: straight to the next room, else an arc on the right, the wider the farther."""
    distance = ROOMS.index(user) - ROOMS.index(used)
    kind = "use" if distance > 0 else "climbs"
    width = f'stroke-width="{min(0.8 + count / 8, 3):.1f}"'
    if distance == 1:
        path = f"M{LEFT + 95} {y[user] + BOX}V{y[used] - 2}"
    else:
        reach = right + 22 * abs(distance)
        start, end = y[user] + BOX / 2 + 5, y[used] + BOX / 2 - 5
        path = f"M{right} {start}C{reach} {start} {reach} {end} {right + 2} {end}"
    return f'<path class="{kind}" {width} marker-end="url(#tip)" d="{path}"><title>{user} uses {used}</title></path>'


if __name__ == "__main__":
    PICTURE.write_text(svg(), encoding="utf-8")
