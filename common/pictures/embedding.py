"""The map of the learned embeddings: what the model has come to treat alike lies close together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import labels
from .drawing import legend_beside, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST = 120  # so many names can be read on one map
VOWELS = "aeiouy"
CLASSES = {"vowel": "#d55e00", "other letter": "#0072b2", "word": "#0072b2", "mark": "#000000"}


def embedding_map(weight: np.ndarray, names: list[str], title: str, letters: bool) -> Figure:
    """The rows of weight (V, E) on the plane in which they spread most, each with its name.

    `names` are one for each row, the most frequent first where there are more than LARGEST: only these are drawn.
    `letters` tells whether they are single characters.
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
    legend_beside(figure, axes.lines)
    labels.place(axes, points, names, [CLASSES[kind] for kind in kinds], 11 if letters and len(names) < 60 else 8)
    return figure


def principal_plane(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows in the coordinates in which they spread most (n, 2), and each one's share of the variance (2,).

    By the singular value decomposition of the centred rows (Pearson 1901). The sign of a component means nothing; here
    the largest entry of its direction is positive, so that the same weights give the same map.
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
    """What each token id stands for, alone."""
    words = getattr(tokenizer, "words", None)
    return list(words) if words is not None else [tokenizer.decode([i]) for i in range(tokenizer.vocab_size)]


def _kind(name: str, letters: bool) -> str:
    if not any(character.isalnum() for character in name):
        return "mark"
    if not letters:
        return "word"
    return "vowel" if name.lower() in VOWELS else "other letter"
