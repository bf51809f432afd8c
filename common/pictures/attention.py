"""Where each head of a GPT looks: its attention weights over a prompt (Vaswani et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .drawing import new_figure, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 24  # tokens that can be read along the edge of a panel
PANEL = 1.9  # inches


def attention_maps(weights: np.ndarray, tokens: Sequence[str], title: str) -> Figure:
    """A panel for each block and head: row t shows how much token t takes from itself and from each earlier token.

    weights is (n_layer, nh, T, T), and its rows sum to 1; `tokens` are the T texts.
    """
    layers, heads = weights.shape[:2]
    unseen = ~np.tri(len(tokens), dtype=bool)  # later tokens: left white
    names = [shown(token) for token in tokens]
    letters = max(map(len, names)) == 1
    figure = new_figure((1.8 if letters else 2.6) + PANEL * heads, 1.4 + PANEL * layers)
    panels = figure.subplots(layers, heads, squeeze=False, sharex=True, sharey=True)
    for (layer, head), axes in np.ndenumerate(panels):
        seen = np.ma.masked_where(unseen, weights[layer, head])
        image = axes.imshow(seen, vmin=0, vmax=1, cmap="viridis")
        axes.set_title(f"block {layer + 1}, head {head + 1}", fontsize="small")
        axes.set_xticks(range(len(names)), names, fontsize=6, rotation=0 if letters else 90)
        axes.set_yticks(range(len(names)), names, fontsize=6)
        axes.tick_params(length=0, pad=1)
    figure.colorbar(image, ax=panels, label="attention weight", shrink=0.6, aspect=40)
    figure.supxlabel("the token looked at")
    figure.supylabel("the token that looks")
    figure.suptitle(title)
    return figure
