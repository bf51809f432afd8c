"""The MLP in PyTorch: only the forward is written. Autograd follows it back and finds every gradient."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .model import AutogradMLP


class MLP(AutogradMLP):
    __doc__ = AutogradMLP.__doc__

    def _forward(self, inputs: Tensor, targets: Tensor | None) -> dict[str, Tensor]:
        p, ops, B = self._p, self.ops, len(inputs)
        emb = ops.embedding_forward(p["wte"], inputs)  # (B, T, E)
        x = emb.view(B, -1)  # (B, T*E): the embeddings side by side
        h_pre = ops.linear_forward(x, p["fc1.weight"], p["fc1.bias"])  # (B, T*E) @ (T*E, H) -> (B, H)
        h = ops.tanh_forward(h_pre)  # (B, H)
        logits = ops.linear_forward(h, p["fc2.weight"], p["fc2.bias"])  # (B, H) @ (H, V) -> (B, V)
        if targets is None:
            return {"logits": logits}
        loss, probs = ops.cross_entropy_forward(logits, targets)
        return {"emb": emb, "h_pre": h_pre, "h": h, "logits": logits, "probs": probs, "loss": loss}

    def _gradients(self, s: dict[str, Tensor], tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The gradient of the loss by each of the tensors, weights or what the forward made of them."""
        return torch.autograd.grad(s["loss"], tensors, retain_graph=True)
