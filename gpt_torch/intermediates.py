"""What lies between the weights and their gradients, by name, as nn.GPT of every backend has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from .attention import attention_weights
from .gpt import GPT

TAKEN = {"norm1": "x", "attention.proj": "y", "norm2": "x_mid"}  # layer of a block -> the name of what it takes
GIVEN = {"norm1": "h1", "attention.qkv": "qkv", "norm2": "h2", "mlp.fc1": "a_pre", "mlp.activation": "a"}


@contextmanager
def recording(model: GPT) -> Iterator[dict[str, Tensor]]:
    """Inside, the dict gets what a forward computes from layer to layer, by name."""
    found: dict[str, Tensor] = {}
    blocks = [f"blocks.{layer}." for layer in range(model.config.n_layer)]
    taken = {at + layer: at + name for at in blocks for layer, name in TAKEN.items()} | {"norm": "x", "head": "h"}
    given = {at + layer: at + name for at in blocks for layer, name in GIVEN.items()} | {"head": "logits"}
    hooks = []
    for layer, module in model.named_modules():
        if name := taken.get(layer):
            hooks.append(module.register_forward_pre_hook(lambda _, x, name=name: found.update({name: x[0]})))
        if name := given.get(layer):
            hooks.append(module.register_forward_hook(lambda _, x, y, name=name: found.update({name: y})))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def intermediates(model: GPT, recorded: Mapping[str, Tensor], loss: Tensor) -> dict[str, np.ndarray]:
    """What was recorded, the probs, and the loss's gradients; names and shapes are GPTConfig.intermediates.

    Of the attention's weights, before dropout: they are computed again, for the fused kernel does not hand them out.
    """
    gradients = torch.autograd.grad(loss, list(recorded.values()), retain_graph=True)
    found = dict(recorded) | {f"d{name}": gradient for name, gradient in zip(recorded, gradients, strict=True)}
    found["probs"] = recorded["logits"].softmax(dim=-1)
    for layer, block in enumerate(model.blocks):
        q, k, _ = block.attention.heads(recorded[f"blocks.{layer}.qkv"])
        found[f"blocks.{layer}.probs"] = attention_weights(q, k)
    shapes = model.config.intermediates(*recorded["logits"].shape[:2])
    return {name: found[name].detach().cpu().numpy().reshape(shape) for name, shape in shapes.items()}
