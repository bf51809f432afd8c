"""The map of the learned embeddings: tokens that the model treats alike are close together."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import legend_outside, new_figure, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST = 120  # names that can be read on one map
POINT = 4  # pixels: half the width of what a point covers
VOWELS = "aeiouyæœøıαεηιουωаеиоуыэюяєі"  # Latin, Greek and Cyrillic, without accents
CLASSES = {"vowel": "#d55e00", "other letter": "#0072b2", "word": "#0072b2", "digit or mark": "#000000"}


def embedding_map(weight: np.ndarray, names: list[str], title: str, letters: bool) -> Figure:
    """The rows of weight (V, E) on the plane in which they spread most, each with its name.

    `names` has one name for each row; if there are more than LARGEST, only the first ones are drawn, so they should be
    the most frequent. `letters` tells whether they are single characters.
    """
    names, weight = names[:LARGEST], weight[:LARGEST]
    points, shares = principal_plane(weight)
    kinds = [_kind(name, letters) for name in names]
    figure = new_figure(9, 7)
    axes = figure.add_subplot()
    for kind in dict.fromkeys(sorted(kinds, key=list(CLASSES).index)):
        rows = points[[k == kind for k in kinds]]
        axes.plot(*rows.T, "o", markersize=3, color=CLASSES[kind], label=kind)
    which = ("first", "second")
    axes.set(
        **{
            f"{axis}label": f"{n} principal component ({share:.0%} of the variance)"
            for axis, n, share in zip("xy", which, shares, strict=True)
        }
    )
    axes.set_title(title)
    axes.margins(0.08)
    axes.grid(alpha=0.25)
    legend_outside(figure, axes.lines)
    place_names(axes, points, names, [CLASSES[kind] for kind in kinds], 11 if letters and len(names) < 60 else 8)
    return figure


def place_names(axes: Axes, points: np.ndarray, names: list[str], colours: list[str], size: float) -> None:
    """Write each name next to its point (n, 2), where it covers neither a point nor an earlier name.

    Tries 12 directions at 5 distances; a name without room is left out. Call it when the limits of the axes are final.
    """
    axes.figure.canvas.draw()  # only now are the axes where they will be
    pixels = axes.transData.transform(points)
    taken = np.stack([pixels - POINT, pixels + POINT], axis=1)  # (n, 2, 2): the lower left and the upper right corner
    line = {"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.6}
    style = {"ha": "center", "va": "center", "fontsize": size, "parse_math": False, "arrowprops": line}
    for point, name, colour in zip(points, names, colours, strict=True):
        text = axes.annotate(shown(name), point, (0, 0), textcoords="offset pixels", color=colour, **style)
        centred = text.get_window_extent().get_points()  # (2, 2), as are all boxes here
        width, height = centred[1] - centred[0]
        for ring, angle in np.ndindex(5, 12):
            direction = np.array([np.cos(np.pi * angle / 6), np.sin(np.pi * angle / 6)])
            offset = direction * (POINT + 1 + ring * height + np.abs(direction) @ (width / 2, height / 2))
            box = centred + offset
            is_free = not ((box[0] < taken[:, 1]) & (box[1] > taken[:, 0])).all(axis=1).any()
            if is_free and axes.bbox.count_contains(box) == 2:
                taken = np.concatenate([taken, [box]])
                text.set_position(offset)
                text.arrow_patch.set_visible(ring > 1)  # a name far from its point gets a line to it
                break
        else:
            text.remove()


def principal_plane(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows in the two coordinates in which they spread most (n, 2), and the share of the variance of each (2,).

    By the singular value decomposition of the centred rows (Pearson 1901). The sign of a component has no meaning; it
    is chosen so that the largest entry of its direction is positive, and the same weights give the same map.
    """
    centred = weight.astype(np.float64) - weight.mean(axis=0, dtype=np.float64)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:2]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    points, total = np.zeros((len(weight), 2)), np.sum(sizes**2) or 1.0
    points[:, : len(directions)] = centred @ directions.T
    shares = np.zeros(2)
    shares[: len(sizes[:2])] = sizes[:2] ** 2 / total
    return points, shares


def token_names(tokenizer: Any) -> list[str]:
    """The text of each token id."""
    words = getattr(tokenizer, "words", None)
    return list(words) if words is not None else [tokenizer.decode([i]) for i in range(tokenizer.vocab_size)]


def _kind(name: str, letters: bool) -> str:
    if not any(character.isalpha() or (character.isdigit() and not letters) for character in name):
        return "digit or mark"
    if not letters:
        return "word"
    base = unicodedata.normalize("NFD", name.lower())[0]  # e for é, u for ü; but й is not a vowel
    return "vowel" if base in VOWELS and name.lower() != "й" else "other letter"
