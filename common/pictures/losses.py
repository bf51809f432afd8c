"""The picture of a run's losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .drawing import legend_outside, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS_FOR_A_CLOSE_UP = 20  # from there on the first fall of the loss hides what comes after it
TRAIN_COLOUR, VAL_COLOUR = "#0072b2", "#d55e00"  # told apart by any eye (Okabe & Ito 2008)


def loss_curves(
    path: Path,
    rows: Sequence[tuple[int, float, float]],
    title: str,
    test_loss: float | None = None,
    vocab_size: int | None = None,
) -> None:
    """Draw train and val loss, in nats per token, by step, as a PNG of 1200 x 750 pixels.

    `rows` are (step, train_loss, val_loss). With `vocab_size`, ln V is a baseline. Raises OSError if it cannot be
    written.
    """
    steps, train, val = zip(*rows, strict=True) if rows else ((), (), ())
    figure = new_figure()
    axes = figure.add_subplot()
    _draw(axes, steps, train, val)
    best = min((row for row in rows if math.isfinite(row[2])), key=lambda row: row[2], default=None)
    if best is not None:
        label = f"best val {best[2]:.4f} at step {best[0]:,}"
        axes.plot(best[0], best[2], "o", markersize=8, markerfacecolor="none", color=VAL_COLOUR, label=label)
    tested = "" if test_loss is None else f", test loss {test_loss:.4f}"
    axes.set(title=f"{title}{tested}", xlabel="step", ylabel="loss (nats per token)")
    if vocab_size is not None:
        guess = math.log(vocab_size)
        label = f"ln {vocab_size:,} = {guess:.2f}: all tokens equally likely"
        axes.axhline(guess, color="black", linestyle="--", linewidth=1, label=label)
    legend_outside(figure, axes.lines, loc="outside lower center", ncols=2)
    late = len(rows) // 5
    if len(rows) >= ROWS_FOR_A_CLOSE_UP and _is_low([*train, *val], [*train[late:], *val[late:]]):
        close_up = axes.inset_axes((0.3, 0.22, 0.66, 0.46))
        close_up.set_title("the last four fifths", fontsize="small")
        close_up.locator_params(nbins=5)
        _draw(close_up, steps[late:], train[late:], val[late:])
    save(figure, path)


def _is_low(whole: Sequence[float], part: Sequence[float]) -> bool:
    """Tell whether the part stays in the lowest sixth of the picture, so that a close-up covers none of it."""
    return max(part) < min(whole) + (max(whole) - min(whole)) / 6


def _draw(axes: Axes, steps: Sequence[int], train: Sequence[float], val: Sequence[float]) -> None:
    marker = "." if len(steps) < ROWS_FOR_A_CLOSE_UP else None
    axes.plot(steps, train, color=TRAIN_COLOUR, label="train", linewidth=1, marker=marker)
    axes.plot(steps, val, color=VAL_COLOUR, label="val", linewidth=1.5, marker=marker)
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    axes.grid(alpha=0.25)
