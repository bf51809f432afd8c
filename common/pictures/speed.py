"""The picture of nnz bench: how the time of a step grows with each size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .drawing import legend_beside, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..commands.bench.scaling import Point

COLOURS = ("#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00")  # told apart by any eye (Okabe & Ito 2008)


def scaling(points: Sequence[Point], title: str) -> Figure:
    """A panel for each size that grows, a line for each contender; both axes logarithmic."""
    kinds, names = (list(dict.fromkeys(values)) for values in zip(*((p.what, p.name) for p in points), strict=True))
    figure = new_figure(12, 4.2)
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for panel, what in zip(panels, kinds, strict=True):
        for i, name in enumerate(names):
            own = [p for p in points if (p.what, p.name) == (what, name)]
            style = {"linestyle": "--" if name.startswith("usual") else "-", "color": COLOURS[i % len(COLOURS)]}
            panel.plot(
                [p.size for p in own], [1e3 * p.step for p in own], marker="o", markersize=4, label=name, **style
            )
        sizes = list(dict.fromkeys(p.size for p in points if p.what == what))
        panel.set(xscale="log", yscale="log", xlabel=what)
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
        panel.xaxis.set_minor_formatter("")
        panel.grid(alpha=0.25)
    panels[0].set_ylabel("ms a step")
    figure.suptitle(title)
    legend_beside(figure, panels[0].lines)
    return figure
