"""The layers in PyTorch: only the forward is written. What is gone from layers_by_hand is what autograd does."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nnz.backend import checks, layer_checks, layers
from nnz.numbers import precisions

from .arithmetic import ARITHMETIC
from .ops import cross_entropy_forward
from .ops.batch_norm import batch_norm_forward
from .ops.embedding import embedding_forward
from .ops.linear import linear_forward
from .ops.tanh import tanh_forward
from .runtime import as_array, copy_into, devices


class Autograd:
    """How a layer meets the outside: `layer(x)`, then `layer.backward(dy)`, then `layer.gradients()`."""

    parameter = staticmethod(lambda array: torch.tensor(array, requires_grad=True))
    buffer = staticmethod(torch.tensor)
    as_array = staticmethod(lambda tensor: as_array(tensor.detach()))
    copy_into = staticmethod(copy_into)
    device = "cpu"
    _saved = (None, None)

    @property
    def by(self) -> type:
        """The arithmetic of the layer's precision."""
        return ARITHMETIC[self.precision]

    def __call__(self, x: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Return y, in the kind of x. Raises TypeError or ValueError for an x that the layer cannot take."""
        as_tensors, x = isinstance(x, Tensor), self.accepted(x)
        if not isinstance(x, Tensor):
            x = torch.tensor(x, device=self.device)
        if x.is_floating_point() and not x.requires_grad:
            x = x.detach().clone().requires_grad_()
        y = self.forward(x)
        self._saved = x, y
        return y if as_tensors else y.detach().cpu().numpy()

    def backward(self, dy: np.ndarray | Tensor) -> np.ndarray | Tensor | None:
        """Return dx, None where x holds token ids; may be called again. Raises RuntimeError before a forward."""
        x, y = self._saved
        layer_checks.output_gradient(dy, y)
        p = self._named("_p")
        sources = [*p.values(), x] if x.requires_grad else [*p.values()]
        gradients = torch.autograd.grad(y, sources, torch.asarray(dy, device=y.device, copy=True), retain_graph=True)
        self._d = dict(zip(p, map(as_array, gradients), strict=False))
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

    def accepted(self, ids: np.ndarray | Tensor) -> Tensor:
        ids = super().accepted(ids.cpu() if isinstance(ids, Tensor) else ids)
        return torch.tensor(ids, device=self.device)

    def forward(self, ids: Tensor) -> Tensor:
        return embedding_forward(self._p["weight"], ids, self.by)  # (B, T) -> (B, T, E)


class Linear(Autograd, layers.Linear):
    __doc__ = layers.Linear.__doc__

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features)  # every position is a row: (B, T, N) -> (B*T, N)
        y = linear_forward(rows, self._p["weight"], self._p.get("bias"), self.by)
        return y.reshape(*x.shape[:-1], self.out_features)


class BatchNorm1d(Autograd, layers.BatchNorm1d):
    __doc__ = layers.BatchNorm1d.__doc__

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.num_features)  # (B, T, C) -> (B*T, C)
        p, b, how = self._p, self._b, (self.training, self.momentum, self.eps, self.by)
        y, _, _, new_mean, new_var = batch_norm_forward(
            rows, p["weight"], p["bias"], b["running_mean"], b["running_var"], *how
        )
        b["running_mean"].copy_(new_mean)
        b["running_var"].copy_(new_var)
        return y.reshape(x.shape)


class Tanh(Autograd, layers.Tanh):
    __doc__ = layers.Tanh.__doc__

    def forward(self, x: Tensor) -> Tensor:
        return tanh_forward(x, self.by)


class Flatten(Autograd, layers.Flatten):
    __doc__ = layers.Flatten.__doc__


class Residual(Autograd, layers.Residual):
    __doc__ = layers.Residual.__doc__


class Sequential(Autograd, layers.Sequential):
    __doc__ = layers.Sequential.__doc__


def cross_entropy(
    logits: np.ndarray | Tensor, targets: np.ndarray | Tensor, precision: str = "native"
) -> float | Tensor:
    """The mean over B of -log softmax(logits)[b, targets[b]], in nats; logits (B, V), targets (B,) int."""
    return cross_entropy_forward(logits, targets, precision=precision)[0]
