"""How a model that autograd follows meets the outside: arrays or tensors come in and go out, on any device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnz.backend.model import MLPBase

from .runtime import OPS, as_array, copy_into, devices, token_ids

BETWEEN = ("logits", "h", "h_pre", "emb")  # what lies between the loss and the weights


class OnTensors:
    """How torch holds a weight, hands it out and fills it."""

    ops_by_precision: Mapping[str, Any] = OPS
    devices = staticmethod(devices)
    as_array = staticmethod(lambda tensor: as_array(tensor.detach()))
    copy_into = staticmethod(copy_into)
    empty_like = staticmethod(torch.empty_like)

    @staticmethod
    def parameter(array: np.ndarray, device: str = "cpu") -> Tensor:
        """A copy, since torch allots memory at round addresses, and its products' last bits depend on the address."""
        return torch.tensor(array, device=device, requires_grad=True)


class AutogradMLP(OnTensors, MLPBase):
    __doc__ = MLPBase.__doc__

    def __call__(self, inputs: np.ndarray | Tensor, targets: np.ndarray | Tensor | None = None) -> Any:
        """inputs (B, T), targets (B,) int -> logits (B, V), mean cross-entropy in nats (None without targets).

        Arrays give an array and a float, tensors give tensors that autograd can follow further.
        Raises TypeError or ValueError on ids that are not integers, of another shape, or outside 0 .. V - 1.
        """
        as_tensors = isinstance(inputs, Tensor)
        with torch.set_grad_enabled(as_tensors or targets is not None):
            logits, loss = super().__call__(inputs, targets)
        if as_tensors:
            return logits, loss
        return logits.detach().cpu().numpy(), None if loss is None else loss.item()

    def backward(self) -> dict[str, np.ndarray | Tensor]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no forward with targets came first.
        """
        saved = self.saved()
        gradients = self._gradients(saved, [*self._p.values(), *(saved[name] for name in BETWEEN)])
        saved |= {f"d{name}": gradient for name, gradient in zip(BETWEEN, gradients[len(self._p) :], strict=True)}
        return dict(zip(self._p, map(as_array, gradients), strict=False))

    def _ids(self, name: str, ids: np.ndarray | Tensor, shape: tuple[int | None, ...]) -> Tensor:
        return token_ids(name, ids, shape, self.sizes.V, self.device)

    def _tensors(self, saved: dict[str, Tensor]) -> dict[str, np.ndarray]:
        if "dh" not in saved:
            AutogradMLP.backward(self)
        names = ("probs", *BETWEEN, *(f"d{name}" for name in BETWEEN))
        return {name: saved[name].detach().cpu().numpy() for name in names}
