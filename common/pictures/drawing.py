"""What the pictures share: a figure, colours, legends, names that the font can show, and a PNG that is always whole."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..files.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150
SIGNS = {"\n": "↵", " ": "␣", "\t": "⇥"}  # for what has no shape of its own


def _shortened(record: logging.LogRecord) -> bool:
    """Let Matplotlib say in one line that it cannot write to the user's folder, where it takes three."""
    text = record.getMessage()
    if text.startswith("Matplotlib created a temporary cache directory"):
        folder = text.partition("issue with ")[2].partition(";")[0]
        record.msg, record.args = f"Matplotlib cannot write to {folder}, so that it starts slowly: set MPLCONFIGDIR", ()
    return not text.startswith("mkdir -p failed") and "is not a writable directory" not in text


logging.getLogger("matplotlib").addFilter(_shortened)


def new_figure(width: float = 8, height: float = 5) -> Figure:
    """A figure of so many inches, which needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # here: matplotlib takes longer to load than all else
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG. Raises OSError."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def by_depth(n: int) -> list[tuple[float, ...]]:
    """n colours from dark to light, first layer to last: told apart by any eye, and in grey (viridis)."""
    from matplotlib import colormaps

    return [tuple(colormaps["viridis"](0.9 * i / max(1, n - 1))) for i in range(n)]


def steps_below(axes: Axes) -> None:
    """Write the steps below the axes with commas, and draw a faint grid."""
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    axes.set_xlabel("step")
    axes.locator_params(axis="x", nbins=5)
    axes.grid(alpha=0.25)


def legend_outside(
    figure: Figure, lines: Sequence, title: str | None = None, loc: str = "outside right upper", ncols: int = 1
) -> None:
    """Put the legend outside the axes, where it covers nothing."""
    figure.legend(handles=lines, title=title, loc=loc, ncols=ncols, frameon=False, fontsize="small")


def shown(name: str) -> str:
    """The name as a picture can show it: signs for line ends and spaces, U+XXXX for a character that the font lacks."""
    from matplotlib import font_manager, ft2font

    font = ft2font.FT2Font(font_manager.findfont("DejaVu Sans"))  # which comes with matplotlib
    visible = [character for character in name if unicodedata.category(character) != "Cf"]  # no joiners
    signs = [SIGNS.get(character, character) for character in visible]
    return "".join(
        sign if font.get_char_index(ord(sign)) and unicodedata.category(sign)[0] not in "CMZ" else f"U+{ord(sign):04X}"
        for sign in signs
    )
