"""The MLP in numpy: each line is one operation on whole arrays, forward and backward written by hand."""

from __future__ import annotations

import numpy as np

from nnz.backend import checks
from nnz.backend.initial import FlatViews
from nnz.backend.model import MLPBase
from nnz.backend.reuse import Reused

from .arithmetic import ARITHMETIC
from .ops.cross_entropy import cross_entropy_backward, cross_entropy_forward
from .ops.embedding import embedding_backward, embedding_forward
from .ops.linear import linear_backward, linear_forward
from .ops.tanh import tanh_backward, tanh_forward
from .runtime import devices


class MLP(MLPBase):
    __doc__ = MLPBase.__doc__

    def __init__(self, *args, device: str = "cpu", **settings) -> None:
        super().__init__(*args, device=checks.available_device(device, devices()), **settings)
        self._gradients = Reused(sum(p.size for p in self._p.values()), self.dtype)
        self._saved = None

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, float | None]:
        """inputs (B, T), targets (B,) int -> logits (B, V), mean cross-entropy in nats (None without targets).

        Raises TypeError or ValueError on ids that are no integers, of another shape, or outside 0 .. V - 1.
        """
        inputs, targets = checks.batch(inputs, targets, self.sizes.T, self.sizes.V)
        p, B, by = self._p, len(inputs), ARITHMETIC[self.precision]

        emb = embedding_forward(p["wte"], inputs, by)  # (B, T, E)
        x = emb.reshape(B, -1)  # (B, T*E): the embeddings side by side
        h_pre = linear_forward(x, p["fc1.weight"], p["fc1.bias"], by)  # (B, T*E) @ (T*E, H) -> (B, H)
        h = tanh_forward(h_pre, by)  # (B, H)
        logits = linear_forward(h, p["fc2.weight"], p["fc2.bias"], by)  # (B, H) @ (H, V) -> (B, V)

        self._saved = None
        if targets is None:
            return logits, None
        loss, probs = cross_entropy_forward(logits, targets, by)
        self._saved = {"ids": inputs.copy(), "targets": targets.copy()}
        self._saved |= {"emb": emb, "h_pre": h_pre, "h": h, "logits": logits, "probs": probs}
        return logits, loss

    def backward(self) -> dict[str, np.ndarray]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no forward with targets came first.
        """
        tensors, gradients = self._tensors(), FlatViews(self._gradients.array(), self._shapes)
        for name, gradient in gradients.items():
            gradient[...] = tensors["d" + name]
        return gradients

    def _tensors(self) -> dict[str, np.ndarray]:
        checks.forward_came_first(self._saved)
        p, s, by = self._p, self._saved, ARITHMETIC[self.precision]
        d = {}  # each line undoes one line of the forward, last first
        d["dlogits"] = cross_entropy_backward(s["probs"], s["targets"], by)
        d["dh"], d["dfc2.weight"], d["dfc2.bias"] = linear_backward(d["dlogits"], s["h"], p["fc2.weight"], by)
        d["dh_pre"] = tanh_backward(d["dh"], s["h"], by)
        x = s["emb"].reshape(len(s["emb"]), -1)
        dx, d["dfc1.weight"], d["dfc1.bias"] = linear_backward(d["dh_pre"], x, p["fc1.weight"], by)
        d["demb"] = dx.reshape(s["emb"].shape)
        d["dwte"] = embedding_backward(d["demb"], s["ids"], self.sizes.V, by)
        return s | d
