"""Where each head looks: the attention weights of a forward pass, for pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .attention import attention_weights
from .evaluating import evaluating
from .gpt import GPT


def attention_maps(model: GPT, idx: np.ndarray | Tensor) -> Tensor:
    """idx (B, T) -> weights (n_layer, B, nh, T, T): [l, b, h, t, s] is how much token t takes from token s.

    The rows sum to 1. They are computed apart from the forward pass, whichever attention the config asks for.
    """
    maps: list[Tensor] = []

    def note(attention: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        q, k, _ = attention.heads(attention.qkv(arguments[0]))
        maps.append(attention_weights(q, k))

    hooks = [block.attention.register_forward_pre_hook(note) for block in model.blocks]
    try:
        with evaluating(model):
            model(idx)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(maps)
