"""The ladder: models that each add one idea to the one before, written once for every backend, passed in as `nn`.

Every rung takes the section `model` of a recipe, the vocabulary's size V, and `draw`: the rng, dtype and precision of
its layers. It returns an nn.Sequential that turns ids (B, T) into logits (B, V). The weights are drawn in the order in
which the layers are written here, each layer's weight before its bias.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from ..files.errors import UsageError
from ..text.batches import Windows

TANH_GAIN = 5 / 3  # keeps the spread of activations through Linear and Tanh; torch.nn.init.calculate_gain("tanh")
HEAD_GAIN = 0.1  # small logits: the first guess is near 1/V for every token, and no step is lost on unlearning it


def bigram(nn: ModuleType, model: Any, V: int, **draw: Any) -> Any:
    """logits = weight[the last token]: one table, V * V        (Shannon 1948, section 3)

    Raises UsageError for a context_length other than 1.
    """
    if model.context_length != 1:
        raise UsageError(f"a bigram sees one token: model.context_length must be 1, not {model.context_length}")
    return nn.Sequential(nn.Embedding(V, V, **draw), nn.Flatten())  # (B, 1) -> (B, 1, V) -> (B, V)


def bigram_counts(windows: Windows, vocab_size: int) -> np.ndarray:
    """How often token j follows token i: windows of two tokens -> counts (V, V), int64.

    With these a bigram needs no training: no step of gradient descent can find a better table.
    """
    inputs, targets = windows.batch(0, len(windows))  # (n, 1), (n,)
    pairs = inputs[:, 0].astype(np.int64) * vocab_size + targets
    return np.bincount(pairs, minlength=vocab_size**2).reshape(vocab_size, vocab_size)


def smoothed_logits(counts: np.ndarray, smoothing: float) -> np.ndarray:
    """log((counts + k) / sum over j of (counts + k)), (V, V), in float64: add-k smoothing, by Laplace for k = 1.

    With k = 0 it maximises the likelihood (Shannon 1948), but a pair that was never counted then has infinite loss.
    """
    raised = counts + smoothing
    return np.log(raised) - np.log(raised.sum(axis=1, keepdims=True))


def mlp_batchnorm(nn: ModuleType, model: Any, V: int, **draw: Any) -> Any:
    """The MLP with a normalised hidden layer, and initial weights scaled to its width        (He et al. 2015)"""
    T, E, H = model.context_length, model.embedding_size, model.hidden_size
    return nn.Sequential(
        nn.Embedding(V, E, **draw),  # (B, T) -> (B, T, E)
        nn.Flatten(),  # (B, T*E): the embeddings side by side
        *_hidden(nn, T * E, H, True, draw),  # (B, H)
        nn.Linear(H, V, gain=HEAD_GAIN, **draw),  # (B, V)
    )


def residual(nn: ModuleType, model: Any, V: int, **draw: Any) -> Any:
    """An MLP of `hidden_layers`, with a skip around each but the first (`skips`) and BatchNorm (`batch_norm`).

    Without both, the gradient fades on its way to the first layer, since the weights start as in torch.nn.Linear: a
    start scaled to a tanh would hide what the two are for        (He et al. 2016; Ioffe and Szegedy 2015)
    """
    T, E, H = model.context_length, model.embedding_size, model.hidden_size
    layers = [nn.Embedding(V, E, **draw), nn.Flatten()]  # (B, T) -> (B, T, E) -> (B, T*E)
    for i in range(model.hidden_layers):
        hidden = _hidden(nn, H if i else T * E, H, model.batch_norm, draw, gain=None)  # (B, H)
        layers += [nn.Residual(nn.Sequential(*hidden))] if i and model.skips else hidden
    return nn.Sequential(*layers, nn.Linear(H, V, gain=HEAD_GAIN, **draw))  # (B, V)


def wavenet(nn: ModuleType, model: Any, V: int, **draw: Any) -> Any:
    """Neighbours are fused in pairs until one position is left: distant ones meet late        (van den Oord 2016)

    Raises UsageError unless context_length is 2, 4, 8 ...
    """
    T, width, H = model.context_length, model.embedding_size, model.hidden_size
    if T < 2 or T & (T - 1):
        raise UsageError(f"a wavenet fuses in pairs: model.context_length must be a power of 2 from 2, not {T}")
    layers = [nn.Embedding(V, width, **draw)]  # (B, T) -> (B, T, E)
    while T > 1:
        layers += [nn.Flatten(2), *_hidden(nn, 2 * width, H, True, draw)]  # (B, T, C) -> (B, T/2, 2*C) -> (B, T/2, H)
        T, width = T // 2, H
    return nn.Sequential(*layers, nn.Linear(H, V, gain=HEAD_GAIN, **draw))  # (B, H) -> (B, V)


def _hidden(
    nn: ModuleType, N: int, H: int, batch_norm: bool, draw: dict[str, Any], gain: float | None = TANH_GAIN
) -> list[Any]:
    """Linear, BatchNorm1d, Tanh; BatchNorm1d subtracts the mean, so a bias before it would do nothing."""
    linear = nn.Linear(N, H, bias=not batch_norm, gain=gain, **draw)
    strictly = {key: value for key, value in draw.items() if key == "precision"}
    return [linear, *([nn.BatchNorm1d(H, dtype=draw["dtype"], **strictly)] if batch_norm else []), nn.Tanh(**strictly)]
