"""A graph as SVG: the forward runs down on the left, the backward up on the right, what is kept goes across."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from .chain import Block, Graph, Item, Shape, Stage, shape_text

WIDTH, BOX, GAP, TOP = 900, 34, 36, 20
DOWN, UP, NARROW, WIDE = 270, 612, 74, 92  # the middle of each lane, and half a box of it
LEFT, RIGHT = 156, 748  # where the parameters end, and where their gradients begin

STYLE = """
.g-box { fill: #fff; stroke: #8a8578; } .g-pill { fill: #f1eee6; stroke: #8a8578; }
.g-line { fill: none; stroke: #6b6659; stroke-width: 1.4; } .g-kept { stroke-dasharray: 3 4; opacity: .75; }
.g-group { fill: none; stroke: #b9b3a4; stroke-dasharray: 6 4; } .g-tip { fill: #6b6659; }
text { fill: #24262b; font: 13px ui-sans-serif, system-ui, sans-serif; }
.g-op { font-weight: 600; } .g-shape, .g-small { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #5a564c; }
.g-back .g-box { stroke: #a8451f; } .g-head { font-weight: 600; }
@media (prefers-color-scheme: dark) {
.g-box { fill: #1c1f25; stroke: #7d838d; } .g-pill { fill: #262a31; stroke: #7d838d; }
.g-line { stroke: #9aa3ad; } .g-group { stroke: #555b65; } .g-tip { fill: #9aa3ad; }
text { fill: #e6e3dc; } .g-shape, .g-small { fill: #aeb4bd; } .g-back .g-box { stroke: #f0a27c; }
}
"""


def svg(graph: Graph, key: str, own_style: bool = False) -> str:
    """The drawing; `key` makes its ids its own. With its own style it stands alone, in light and in dark."""
    drawing = _Drawing(key)
    drawing.draw(graph)
    height = drawing.y + 10
    head = (
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="{key}-t {key}-d">'
    )
    tip = (
        f'<marker id="{key}-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path class="g-tip" d="M0 0L8 4L0 8z"/></marker>'
    )
    title = f'<title id="{key}-t">The graph of {escape(graph.name)}</title>'
    style = f"<style>{STYLE}</style>" if own_style else ""
    about = f'<desc id="{key}-d">{escape(graph.words)}</desc>'
    return "\n".join([head, title, about, style, f"<defs>{tip}</defs>", *drawing.parts, "</svg>\n"])


@dataclass
class _Drawing:
    key: str
    y: int = TOP
    parts: list[str] = field(default_factory=list)

    def draw(self, graph: Graph) -> None:
        self._text(DOWN, self.y, "forward", "g-head", "middle")
        self._text(UP, self.y, "backward", "g-head", "middle")
        self._text((DOWN + UP) // 2 - 9, self.y, "kept for it", "g-small", "middle")
        self.y += 14
        name, shape = graph.inputs
        self._pill(DOWN, self.y, f"{name} {shape_text(shape)}")
        self.y += 28
        self._items(graph.items, ())
        self._turn()

    def _items(self, items: Sequence[Item], came: Shape) -> Shape:
        """Draw what follows each other, from the shape that comes in; return the one that goes out."""
        for item in items:
            if isinstance(item, Block):
                came = self._block(item, came)
            else:
                self._stage(item, came)
                came = item.shape
        return came

    def _block(self, block: Block, came: Shape) -> Shape:
        top = self.y
        if block.skipped:
            self._line(f"M{DOWN} {top}v30")
            self.y += 28
        begin = self.y
        came = self._items(block.stages, came)
        if block.skipped:
            self._skip(begin, self.y + 26)
            self.y += 40
        if block.times > 1:
            height = self.y - top - 6
            self.parts.append(
                f'<rect class="g-group" x="2" y="{top + 8}" width="{WIDTH - 4}" height="{height}" rx="10"/>'
            )
            self._text(16, top + 28, f"× {block.times}", "g-op")
        return came

    def _skip(self, begin: int, end: int) -> None:
        """What comes in goes round the block, and is added; its gradient comes back both ways, and is added too."""
        for x, side, half, arrives, leaves in ((DOWN, -1, NARROW, end, begin), (UP, 1, WIDE, begin, end)):
            around = x + side * (half + 18)
            self._arrow(f"M{x} {leaves}H{around}V{arrives}H{x + side * 11}")
            self.parts.append(f'<circle class="g-box" cx="{x}" cy="{arrives}" r="10"/>')
            self._text(x, arrives + 5, "+", "g-op", "middle")
        self._arrow(f"M{DOWN} {self.y}V{end - 11}")
        self._arrow(f"M{UP} {begin - 11}V{begin - 25}")
        self._line(f"M{UP} {end}V{self.y}")
        self._line(f"M{DOWN} {end + 10}V{end + 16}")
        self._line(f"M{UP} {end}V{end + 16}")

    def _stage(self, stage: Stage, came: Shape) -> None:
        y, middle = self.y + GAP, self.y + GAP + BOX // 2
        self._arrow(f"M{DOWN} {self.y}V{y - 1}")
        self._box(DOWN, y, NARROW, stage.op)
        if stage.gradient:
            self._arrow(f"M{UP} {y}V{self.y + 3}")
            self._named(UP - 10, self.y + 23, stage.gradient, came, "end")
        self._box(UP, y, WIDE, stage.backward, "g-back")
        if stage.kept:
            self._arrow(f"M{DOWN + NARROW} {middle}H{UP - WIDE - 2}", "g-kept")
            self._text((DOWN + NARROW + UP - WIDE) // 2, middle - 6, ", ".join(stage.kept), "g-small", "middle")
        self._parameters(stage, middle)
        self.y = y + BOX
        if stage.shape:
            self._named(DOWN + 10, self.y + 23, stage.value, stage.shape)

    def _parameters(self, stage: Stage, middle: int) -> None:
        learned = [(name, shape) for name, shape in stage.parameters if name != "targets"]
        for number, (name, shape) in enumerate(stage.parameters):
            y = middle + 4 + 18 * number - 9 * (len(stage.parameters) - 1)
            self._text(LEFT, y, f"{name} {shape_text(shape)}", "g-shape", "end")
            if learned:
                self._text(RIGHT, y, f"d{name} {shape_text(shape)}", "g-shape")
        if stage.parameters:
            self._arrow(f"M{LEFT + 8} {middle}H{DOWN - NARROW - 2}")
        if learned:
            self._arrow(f"M{UP + WIDE} {middle}H{RIGHT - 8}")

    def _turn(self) -> None:
        y = self.y
        self._arrow(f"M{DOWN} {y}v30")
        self._pill(DOWN, y + 30, "loss")
        self._arrow(f"M{DOWN + 30} {y + 44}H{UP}V{y + 2}")
        self._text((DOWN + UP) // 2, y + 38, "dloss = 1", "g-small", "middle")
        self.y = y + 60

    def _box(self, x: int, y: int, half: int, text: str, group: str = "") -> None:
        rect = f'<rect class="g-box" x="{x - half}" y="{y}" width="{2 * half}" height="{BOX}" rx="7"/>'
        label = f'<text class="g-op" x="{x}" y="{y + 22}" text-anchor="middle">{escape(text)}</text>'
        self.parts.append(f'<g class="{group}">{rect}{label}</g>' if group else rect + label)

    def _pill(self, x: int, y: int, text: str) -> None:
        width = 8 * len(text) + 28
        self.parts.append(f'<rect class="g-pill" x="{x - width // 2}" y="{y}" width="{width}" height="28" rx="14"/>')
        self._text(x, y + 19, text, "g-shape", "middle")

    def _named(self, x: int, y: int, name: str, shape: Shape, anchor: str = "start") -> None:
        """A value on an edge: its name, if it has one, and its shape."""
        shown = f'<tspan class="g-op">{escape(name)}</tspan> ' if name else ""
        shape = f'<tspan class="g-shape">{escape(shape_text(shape))}</tspan>'
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{shown}{shape}</text>')

    def _text(self, x: int, y: int, text: str, style: str, anchor: str = "start") -> None:
        self.parts.append(f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>')

    def _line(self, path: str) -> None:
        self.parts.append(f'<path class="g-line" d="{path}"/>')

    def _arrow(self, path: str, style: str = "") -> None:
        kind = f"g-line {style}" if style else "g-line"
        self.parts.append(f'<path class="{kind}" d="{path}" marker-end="url(#{self.key}-tip)"/>')
