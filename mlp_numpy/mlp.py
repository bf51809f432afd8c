"""The MLP in numpy: each line is one operation on whole arrays, forward and backward written by hand."""

from __future__ import annotations

import numpy as np

from nnz.backend.model import MLPBase

from .runtime import OPS


class MLP(MLPBase):
    __doc__ = MLPBase.__doc__
    ops_by_precision = OPS

    def _forward(self, inputs: np.ndarray, targets: np.ndarray | None) -> dict[str, np.ndarray]:
        p, ops, B = self._p, self.ops, len(inputs)
        emb = ops.embedding_forward(p["wte"], inputs)  # (B, T, E)
        x = emb.reshape(B, -1)  # (B, T*E): the embeddings side by side
        h_pre = ops.linear_forward(x, p["fc1.weight"], p["fc1.bias"])  # (B, T*E) @ (T*E, H) -> (B, H)
        h = ops.tanh_forward(h_pre)  # (B, H)
        logits = ops.linear_forward(h, p["fc2.weight"], p["fc2.bias"])  # (B, H) @ (H, V) -> (B, V)
        if targets is None:
            return {"logits": logits}
        loss, probs = ops.cross_entropy_forward(logits, targets)
        return {"emb": emb, "h_pre": h_pre, "h": h, "logits": logits, "probs": probs, "loss": loss}

    def _backward(self, s: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        p, ops, B = self._p, self.ops, len(s["inputs"])
        d = {}  # each line undoes one line of the forward, last first
        d["dlogits"] = ops.cross_entropy_backward(s["probs"], s["targets"])
        d["dh"], d["dfc2.weight"], d["dfc2.bias"] = ops.linear_backward(d["dlogits"], s["h"], p["fc2.weight"])
        d["dh_pre"] = ops.tanh_backward(d["dh"], s["h"])
        x = s["emb"].reshape(B, -1)
        dx, d["dfc1.weight"], d["dfc1.bias"] = ops.linear_backward(d["dh_pre"], x, p["fc1.weight"])
        d["demb"] = dx.reshape(s["emb"].shape)
        d["dwte"] = ops.embedding_backward(d["demb"], s["inputs"], self.sizes.V)
        return d
