"""Whether a figure can be read: what is written on it is there, and lies on nothing else."""

from __future__ import annotations


def assert_readable(figure) -> None:
    """Every panel says what its axes are, there is a legend, and nothing that is written lies on something else."""
    figure.canvas.draw()
    boxes = [text.get_window_extent() for axes in figure.axes for text in written_round(axes)]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    assert figure.legends
    assert any(axes.get_ylabel() for axes in figure.axes)
    inside = figure.bbox.padded(1)
    for i, box in enumerate(boxes):
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
        assert inside.y0 <= box.y0 <= box.y1 <= inside.y1
        assert not [other for other in boxes[:i] if overlap(box, other)]


def written_round(axes) -> list:
    """The title, the names of both axes, and the numbers at the ticks that are in view."""
    found = [axes.title, axes.xaxis.label, axes.yaxis.label]
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = sorted(limits)
        found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    shown = [text for text in found if text.get_text() and text.get_visible()]
    assert axes.xaxis.label in shown or not axes.xaxis.get_tick_params()["labelbottom"]
    return shown


def overlap(a, b) -> bool:
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1  # a pixel is no overlap
