"""The picture of the ladder: what each rung gains, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .drawing import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSS, BETTER, WORSE, COST = "#0072b2", "#009e73", "#d55e00", "#999999"
MARGIN = 1.6  # a factor, on a logarithmic axis, for the number after the longest bar


@dataclass(frozen=True)
class Rung:
    """The results of a rung: losses in nats per token, and seconds from the first step to the last picture."""

    name: str
    parameters: int
    steps: int
    val_loss: float
    test_loss: float
    seconds: float


def ladder(rungs: Sequence[Rung], title: str) -> Figure:
    """Val loss by rung and the gain over the rung before it, then parameters and seconds."""
    figure = new_figure(12, 1.6 + 0.6 * len(rungs))
    losses, parameters, seconds = figure.subplots(1, 3, sharey=True, width_ratios=(3, 2, 2))
    places = range(len(rungs))
    _losses(losses, [rung.val_loss for rung in rungs])
    _bars(parameters, [rung.parameters for rung in rungs], "parameters", "{:,.0f}")
    _bars(seconds, [rung.seconds for rung in rungs], "seconds to train", "{:,.1f}")
    losses.set_yticks(places, [rung.name for rung in rungs])
    losses.set_ylabel("rung, from the first")
    losses.invert_yaxis()
    figure.suptitle(title)
    shown = [*losses.get_legend_handles_labels()[0], parameters.containers[0]]
    figure.legend(handles=shown, loc="outside lower center", ncols=len(shown), frameon=False, fontsize="small")
    return figure


def _losses(axes: Axes, losses: list[float]) -> None:
    places = list(range(len(losses)))
    axes.plot(losses, places, "o", color=LOSS, markersize=7, label="val loss")
    for label, colour, sign in (("better than the rung before", BETTER, 1), ("worse", WORSE, -1)):
        moved = [i for i in places[1:] if sign * (losses[i - 1] - losses[i]) > 0]
        if moved:
            before, after = ([losses[i - back] for i in moved] for back in (1, 0))
            axes.hlines(moved, after, before, color=colour, linewidth=2.5, label=label, zorder=1)
    for place, loss in zip(places, losses, strict=True):
        axes.annotate(f"{loss:.3f}", (loss, place), (0, 8), textcoords="offset points", ha="center", fontsize="small")
    axes.set(xlabel="val loss (nats per token)", ylim=(-0.7, len(losses) - 0.5))
    axes.margins(x=0.12)
    axes.grid(alpha=0.25)


def _bars(axes: Axes, values: list[float], what: str, form: str) -> None:
    bars = axes.barh(range(len(values)), values, color=COST, height=0.5, label="what it costs")
    axes.bar_label(bars, [form.format(value) for value in values], padding=3, fontsize="small")
    axes.set(
        xscale="log", xlabel=what, xlim=(min(values) / 2, max(values) * (max(values) / min(values)) ** 0.3 * MARGIN)
    )
    axes.xaxis.set_minor_formatter("")  # within one power of ten they would overlap
    axes.grid(axis="x", alpha=0.25)
