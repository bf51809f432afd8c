"""The layers in PyTorch: the forward is that of nnz.backend.layers, and autograd finds the way back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nnz.backend import checks, gpt_layers, layers
from nnz.numbers import precisions

from .model import OnTensors
from .runtime import CHECKED_OPS, as_array, devices, token_ids


class Autograd(OnTensors):
    """How a layer meets the outside: `layer(x)`, then `layer.backward(dy)`, then `layer.gradients()`."""

    buffer = staticmethod(torch.tensor)
    device = "cpu"
    _x: Tensor | None = None

    def __call__(self, x: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Return y, in the kind of x. Raises TypeError or ValueError for an x that the layer cannot take."""
        as_tensors, x = isinstance(x, Tensor), self.accepted(x)
        if not isinstance(x, Tensor):
            x = torch.tensor(x, device=self.device)
        if x.is_floating_point() and not x.requires_grad:
            x = x.detach().clone().requires_grad_()
        self._x, self._y = x, self.forward(x)
        self._hidden = [(layer, layer.h) for layer in self.modules() if isinstance(layer, Tanh)]  # of this forward
        return self._y if as_tensors else self._y.detach().cpu().numpy()

    def backward(self, dy: np.ndarray | Tensor) -> np.ndarray | Tensor | None:
        """Return dx, None where x holds token ids; may be called again. Raises RuntimeError before a forward."""
        self.check_gradient(dy)
        x, y, p = self._x, self._y, self._named("_p")
        sources = [*p.values(), *(h for _, h in self._hidden), *([x] if x.requires_grad else [])]
        gradients = torch.autograd.grad(y, sources, torch.asarray(dy, device=y.device, copy=True), retain_graph=True)
        self._d = dict(zip(p, map(as_array, gradients), strict=False))
        for (layer, _), dh in zip(self._hidden, gradients[len(p) :], strict=False):
            layer.dh = dh
        if not x.requires_grad:
            return None
        return gradients[-1] if isinstance(dy, Tensor) else gradients[-1].cpu().numpy()

    def gradients(self) -> dict[str, np.ndarray | Tensor]:
        """The gradient of each parameter, by its name, of the last backward."""
        return dict(self._d)

    def to(self, device: str) -> Autograd:
        """Compute on `device` from now on; returns the layer. Raises ValueError unless the backend has it here."""
        precisions.checked(self.precision, self.dtype or "float32", checks.available_device(device, devices()))
        self.device = device
        for tensors in (self._p, self._b):
            for name, tensor in tensors.items():
                tensors[name] = tensor.detach().to(device).requires_grad_(tensor.requires_grad)
        for child in self.children():
            child.to(device)
        return self


class Embedding(Autograd, layers.Embedding):
    __doc__ = layers.Embedding.__doc__

    def accepted(self, x: np.ndarray | Tensor) -> Tensor:
        return token_ids("ids", x, (None, None), self.num_embeddings, self.device)


class Linear(Autograd, layers.Linear):
    __doc__ = layers.Linear.__doc__


class BatchNorm1d(Autograd, layers.BatchNorm1d):
    __doc__ = layers.BatchNorm1d.__doc__


class Tanh(Autograd, layers.Tanh):
    __doc__ = layers.Tanh.__doc__


class Flatten(Autograd, layers.Flatten):
    __doc__ = layers.Flatten.__doc__


class Residual(Autograd, layers.Residual):
    __doc__ = layers.Residual.__doc__


class Sequential(Autograd, layers.Sequential):
    __doc__ = layers.Sequential.__doc__


class LayerNorm(Autograd, gpt_layers.LayerNorm):
    __doc__ = gpt_layers.LayerNorm.__doc__


class RMSNorm(Autograd, gpt_layers.RMSNorm):
    __doc__ = gpt_layers.RMSNorm.__doc__


class ReLU(Autograd, gpt_layers.ReLU):
    __doc__ = gpt_layers.ReLU.__doc__


class GELU(Autograd, gpt_layers.GELU):
    __doc__ = gpt_layers.GELU.__doc__


class Dropout(Autograd, gpt_layers.Dropout):
    __doc__ = gpt_layers.Dropout.__doc__


class CausalSelfAttention(Autograd, gpt_layers.CausalSelfAttention):
    __doc__ = gpt_layers.CausalSelfAttention.__doc__


def cross_entropy(
    logits: np.ndarray | Tensor, targets: np.ndarray | Tensor, precision: str = "native"
) -> float | Tensor:
    """The mean over B of -log softmax(logits)[b, targets[b]], in nats; logits (B, V), targets (B,) int."""
    return CHECKED_OPS.cross_entropy_forward(logits, targets, precision=precision)[0]
