"""The MLP in PyTorch: only the forward is written. Autograd follows it back and finds every gradient."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nnz.backend import checks
from nnz.backend.model import MLPBase

from . import compiled
from .arithmetic import ARITHMETIC
from .ops.cross_entropy import cross_entropy_forward
from .ops.embedding import embedding_forward
from .ops.linear import linear_forward
from .ops.tanh import tanh_forward
from .runtime import as_array, copy_into, devices


class MLP(MLPBase):
    __doc__ = MLPBase.__doc__
    copy_into, can_compile = staticmethod(copy_into), True

    def __init__(self, *args, device: str = "cpu", **settings) -> None:
        super().__init__(*args, device=checks.available_device(device, devices()), **settings)
        # copied, since torch allots memory at round addresses, and its products' last bits depend on the address
        self._p = {name: torch.tensor(p, device=device, requires_grad=True) for name, p in self._p.items()}
        self._saved = None

    def __call__(self, inputs: np.ndarray | Tensor, targets: np.ndarray | Tensor | None = None):
        """inputs (B, T), targets (B,) int -> logits (B, V), mean cross-entropy in nats (None without targets).

        Arrays give an array and a float, tensors give tensors that autograd can follow further.
        Raises TypeError or ValueError on ids that are no integers, of another shape, or outside 0 .. V - 1.
        """
        as_tensors = isinstance(inputs, Tensor)
        inputs, targets = (ids.cpu() if isinstance(ids, Tensor) else ids for ids in (inputs, targets))
        inputs, targets = checks.batch(inputs, targets, self.sizes.T, self.sizes.V)
        # copies: backward needs them, and the caller may overwrite his
        inputs, targets = (None if a is None else torch.tensor(a, device=self.device) for a in (inputs, targets))
        forward = compiled.compiled(MLP._forward) if self.compile and targets is not None else MLP._forward
        with torch.set_grad_enabled(as_tensors or targets is not None):
            tensors = forward(self, inputs, targets)
        logits, loss = tensors["logits"], tensors.get("loss")
        self._saved = None if targets is None else tensors | {"targets": targets}
        if as_tensors:
            return logits, loss
        return logits.detach().cpu().numpy(), None if loss is None else loss.item()

    def _forward(self, ids: Tensor, targets: Tensor | None) -> dict[str, Tensor]:
        p, B, by = self._p, len(ids), ARITHMETIC[self.precision]

        emb = embedding_forward(p["wte"], ids, by)  # (B, T, E)
        x = emb.view(B, -1)  # (B, T*E): the embeddings side by side
        h_pre = linear_forward(x, p["fc1.weight"], p["fc1.bias"], by)  # (B, T*E) @ (T*E, H) -> (B, H)
        h = tanh_forward(h_pre, by)  # (B, H)
        logits = linear_forward(h, p["fc2.weight"], p["fc2.bias"], by)  # (B, H) @ (H, V) -> (B, V)

        if targets is None:
            return {"logits": logits}
        loss, probs = cross_entropy_forward(logits, targets, by)
        return {"emb": emb, "h_pre": h_pre, "h": h, "logits": logits, "probs": probs, "loss": loss}

    def backward(self) -> dict[str, np.ndarray | Tensor]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no forward with targets came first.
        """
        return dict(zip(self._p, map(as_array, self._gradients(self._p.values())), strict=True))

    def _gradients(self, tensors) -> tuple[Tensor, ...]:
        checks.forward_came_first(self._saved)
        if self.compile:
            return compiled.gradients(self._saved, tensors)
        return torch.autograd.grad(self._saved["loss"], list(tensors), retain_graph=True)

    def parameters(self) -> dict[str, np.ndarray | Tensor]:
        """The weights by name, in the order of a checkpoint. They share the model's memory: writing trains it."""
        return {name: as_array(p.detach()) for name, p in self._p.items()}

    def _tensors(self) -> dict[str, np.ndarray]:
        checks.forward_came_first(self._saved)
        derived = ("logits", "h", "h_pre", "emb")
        tensors = {name: self._saved[name] for name in (*derived, "probs")}
        if self.compile:
            tensors |= compiled.derivatives(self._saved, self._p)
        else:
            gradients = self._gradients([tensors[name] for name in derived])
            tensors |= {"d" + name: g for name, g in zip(derived, gradients, strict=True)}
        return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
