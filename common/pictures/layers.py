"""The pictures that show how a model learned, layer by layer; Karpathy's course explains how to read them.

https://github.com/karpathy/nn-zero-to-hero, lecture 4: activations, gradients, BatchNorm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..runs.statistics import SATURATED, Statistics
from .drawing import by_depth, legend_outside, new_figure, steps_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST = 1e-6  # the axis ends there: a learning rate that falls to 0 would take most of the picture
HEALTHY = 1e-3  # about the right size of an update, relative to the spread of the weights (Karpathy 2022)


def histograms(statistics: Statistics, title: str) -> Figure | None:
    """The output of each tanh and its gradient, at the first and the last step; None if there are no hidden layers.

    Peaks at -1 and 1 are saturated units, which learn nothing; gradients should have the same size in every layer.
    """
    arrays = statistics.arrays
    depth = arrays["h_counts"].shape[1] if "h_counts" in arrays else 0
    if depth == 0:
        return None
    figure = new_figure(10, 6)
    panels = figure.subplots(2, 2)
    for moment, step in enumerate(arrays["steps"][[0, -1]]):
        shares = arrays["saturation"][[0, -1]][moment]
        _densities(panels[moment, 0], arrays["h_counts"][moment], arrays["h_edges"][moment], shares)
        _densities(panels[moment, 1], arrays["dh_counts"][moment], arrays["dh_edges"][moment])
        panels[moment, 0].set(title=f"activations at step {step:,}", xlabel="h, the output of tanh", ylabel="density")
        panels[moment, 1].set(title=f"gradients at step {step:,}", xlabel="dh, the gradient of h")
        panels[moment, 1].ticklabel_format(axis="x", scilimits=(-2, 2))
        where, when = ("upper", "first") if moment == 0 else ("lower", "last")
        legend_outside(figure, panels[moment, 0].lines, f"|h| > {SATURATED}, {when} step", f"outside right {where}")
    figure.suptitle(title)
    return figure


def updates(statistics: Statistics, title: str, schedule: Callable[[int], float] | None = None) -> Figure | None:
    """The size of the updates of each weight matrix and the saturation of each tanh, by step; None if not recorded.

    `schedule` gives the share of the full learning rate that a step has: an update of a healthy size shrinks with it.
    """
    arrays = statistics.arrays
    if not len(arrays.get("steps", ())) or not np.any(arrays["updates"] > 0):
        return None
    depth = arrays["saturation"].shape[1]
    legend = 0.2 * len(arrays["matrices"]) + 0.8  # inches: it must not outgrow the picture
    figure = new_figure(10, max(6 if depth else 4, legend))
    panels = np.atleast_1d(figure.subplots(2 if depth else 1, 1, sharex=True))
    ratios = np.where(arrays["updates"] > 0, arrays["updates"], np.nan)  # 0 has no logarithm
    _over_time(panels[0], arrays["steps"], ratios, [str(name) for name in arrays["matrices"]])
    shares = np.array([1.0 if schedule is None else schedule(int(step)) for step in arrays["steps"]])
    label = "a healthy size: 1e-3" if np.all(shares == 1) else "a healthy size:\n1e-3 at the full\nlearning rate"
    panels[0].plot(arrays["steps"], HEALTHY * shares, color="black", linestyle="--", linewidth=1, label=label)
    panels[0].set(yscale="log", ylabel="spread of the update /\nspread of the weights", title=title)
    panels[0].set_ylim(bottom=max(LEAST, panels[0].get_ylim()[0]))
    legend_outside(figure, panels[0].lines, "weight matrix")
    if depth:
        _over_time(panels[1], arrays["steps"], 100 * arrays["saturation"], _hidden_names(depth))
        panels[1].set(ylabel=f"share of |h| > {SATURATED} (%)")
        panels[1].set_ylim(bottom=0)
        legend_outside(figure, panels[1].lines, "tanh of", "outside right lower")
    for panel in panels:
        steps_below(panel)
    if depth:
        panels[0].set_xlabel("")
    return figure


def gradient_by_depth(statistics: Statistics, title: str) -> Figure | None:
    """The gradient's size in each hidden layer, with and without skips and BatchNorm; None if it is not recorded."""
    arrays = statistics.arrays
    if "depth_gradients" not in arrays or not len(arrays.get("steps", ())):
        return None
    figure = new_figure(10, 4.5)
    untrained, trained = figure.subplots(1, 2, sharey=True)
    for i, (name, sizes) in enumerate(zip(arrays["depth_names"], arrays["depth_gradients"], strict=True)):
        style = {
            "color": ("#0072b2", "#d55e00")[i // 2],
            "linestyle": ("-", "--")[i % 2],
        }  # skips or not, then BatchNorm
        untrained.plot(range(1, len(sizes) + 1), sizes, marker="o", markersize=4, label=str(name), **style)
    moments = arrays["gradient_rms"][[0, -1]]
    for sizes, step, marker in zip(moments, arrays["steps"][[0, -1]], ("o", "s"), strict=True):
        trained.plot(
            range(1, len(sizes) + 1),
            sizes,
            color="#009e73" if marker == "s" else "#999999",
            marker=marker,
            label=f"step {step:,}",
        )
    untrained.set(title="untrained, with and without skips and BatchNorm", ylabel="gradient of h, root mean square")
    trained.set(title="this run, first step and last")
    for panel in (untrained, trained):
        panel.set(yscale="log", xlabel="hidden layer, from the input")
        panel.set_xticks(range(1, len(moments[0]) + 1))
        panel.grid(alpha=0.25)
    legend_outside(figure, untrained.lines, "untrained")
    legend_outside(figure, trained.lines, "this run", "outside right lower")
    figure.suptitle(title)
    return figure


def _densities(panel: Axes, counts: np.ndarray, edges: np.ndarray, saturated: np.ndarray | None = None) -> None:
    middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    names = _hidden_names(len(counts))
    if saturated is not None:
        names = [f"{name}: {share:.1%}" for name, share in zip(names, saturated, strict=True)]
    for row, name, colour in zip(counts, names, by_depth(len(counts)), strict=True):
        panel.plot(middles, row / max(1, row.sum()) / widths, color=colour, label=name, linewidth=1.2)
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.25)


def _over_time(panel: Axes, steps: np.ndarray, columns: np.ndarray, names: list[str]) -> None:
    marker = "." if len(steps) < 20 else None
    for column, name, colour in zip(columns.T, names, by_depth(len(names)), strict=True):
        panel.plot(steps, column, color=colour, label=name, linewidth=1.2, marker=marker)


def _hidden_names(depth: int) -> list[str]:
    return [f"hidden layer {i}" for i in range(1, depth + 1)]
