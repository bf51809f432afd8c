"""What a GPT computes between its weights and the loss, by name, and the gradients: see GPTBase.intermediates."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..gpt_ops import attention_forward
from ..ops.cross_entropy import cross_entropy_forward

if TYPE_CHECKING:
    from .gpt import GPT

# layer of a block -> the names of what it takes and of what it gives
LAYERS = {
    "norm1": ("x", "h1"),
    "attention.qkv": ("", "qkv"),
    "attention.proj": ("y", ""),
    "norm2": ("x_mid", "h2"),
    "mlp.fc1": ("", "a_pre"),
    "mlp.fc2": ("a", ""),
}


def tensors_between(model: GPT, saved: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """The last forward once more, with an eye on what its layers take and give, which autograd then follows back."""
    found: dict[str, Tensor] = {}
    watched = copy.copy(model)
    watched._norm, watched._linear = (_watched(layer, found) for layer in (model._norm, model._linear))
    with torch.enable_grad():
        last = watched._forward(saved["inputs"], saved["targets"], saved["step"])
        found["logits"] = last["logits"]
        gradients = torch.autograd.grad(last["loss"], list(found.values()))
    found |= {f"d{name}": gradient for name, gradient in zip(found, gradients, strict=True)}
    found["probs"] = cross_entropy_forward(found["logits"].flatten(0, 1), saved["targets"].flatten())[1]
    (B, T), c = saved["inputs"].shape, model.config
    for block in (f"blocks.{layer}." for layer in range(c.n_layer)):  # fused attention does not hand them out
        qkv = found[f"{block}qkv"].view(B, T, 3, c.n_embd)
        found[f"{block}probs"] = attention_forward(qkv, None, c.n_head)[1]
    return {name: tensor.detach().cpu().numpy() for name, tensor in found.items()}


def _watched(layer, found: dict[str, Tensor]):
    def call(x: Tensor, name: str) -> Tensor:
        y = layer(x, name)
        block = name[: name.index(".", len("blocks.")) + 1] if name.startswith("blocks.") else ""
        names = LAYERS[name.removeprefix(block)] if block else ("x", "h")
        found.update({block + own: tensor for own, tensor in zip(names, (x, y), strict=True) if own})
        return y

    return call
