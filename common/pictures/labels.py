"""Names beside points, placed so that no two cover each other, nor a point."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIGNS = {"\n": "↵", " ": "␣", "\t": "⇥"}  # what has no shape of its own
POINT = 4  # pixels from a point's middle to where its name may begin


def place(axes: Axes, points: np.ndarray, names: Sequence[str], colours: Sequence[str], size: float) -> None:
    """Write each name beside its point (n, 2), the first ones nearest; a thin line leads to one that had to give way.

    A name for which there is no room anywhere near is left out: its point still stands. To be called when the limits
    of the axes are settled.
    """
    axes.figure.canvas.draw()  # only now are the axes where they will be
    renderer, pixels = axes.figure.canvas.get_renderer(), axes.transData.transform(points)
    inside, inverse = axes.get_window_extent(), axes.transData.inverted()
    taken = np.hstack([pixels - POINT, pixels + POINT])  # (n, 4): left, bottom, right, top
    for point, pixel, name, colour in zip(points, pixels, names, colours, strict=True):
        text = axes.text(*point, shown(name), color=colour, fontsize=size, va="center", ha="center", parse_math=False)
        extent = text.get_window_extent(renderer)
        box = _free_box(pixel, extent.width, extent.height, taken, inside.extents)
        if box is None:
            text.remove()
            continue
        taken = np.vstack([taken, box])
        middle = (box[:2] + box[2:]) / 2
        text.set_position(inverse.transform(middle))
        if np.linalg.norm(middle - pixel) > 2 * extent.height + extent.width / 2:
            axes.plot(*zip(point, inverse.transform(middle), strict=True), color="#bbbbbb", linewidth=0.6, zorder=0)


def shown(name: str) -> str:
    """The name as a picture can show it: signs for line ends and spaces, U+XXXX for what the font has no shape for."""
    from matplotlib import font_manager, ft2font

    font = ft2font.FT2Font(font_manager.findfont("DejaVu Sans"))  # which comes with matplotlib
    visible = [character for character in name if unicodedata.category(character) != "Cf"]  # no joiners
    signs = [SIGNS.get(character, character) for character in visible]
    return "".join(
        sign if font.get_char_index(ord(sign)) and unicodedata.category(sign)[0] not in "CMZ" else f"U+{ord(sign):04X}"
        for sign in signs
    )


def _free_box(pixel: np.ndarray, width: float, height: float, taken: np.ndarray, inside: np.ndarray):
    """The nearest box (left, bottom, right, top) beside the pixel that touches no taken one; None if there is none."""
    for middle in _places(pixel, width, height):
        half = np.array([width, height]) / 2
        box = np.concatenate([middle - half, middle + half])
        if (box[:2] < inside[:2]).any() or (box[2:] > inside[2:]).any():
            continue
        apart = (box[:2] >= taken[:, 2:]).any(axis=1) | (box[2:] <= taken[:, :2]).any(axis=1)
        if apart.all():
            return box
    return None


def _places(pixel: np.ndarray, width: float, height: float) -> Iterator[np.ndarray]:
    """Middles of boxes round the pixel: right of it first, then further round and further out."""
    for ring in range(5):
        for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            direction = np.array([np.cos(angle), np.sin(angle)])
            reach = POINT + 1 + ring * height + np.abs(direction) @ (width / 2, height / 2)
            yield pixel + direction * reach
