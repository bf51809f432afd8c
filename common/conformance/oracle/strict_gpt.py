"""The whole GPT in strict float32, forward and backward, every tensor named as oracle.gpt names it."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import strict_gpt_ops as gpt
from . import strict_ops as ops

Array = np.ndarray
Named = dict[str, Array]
f32 = np.float32
EPS = 1e-5


class StrictGPT:
    """The tensors of one batch; idx, targets (B,T). seed and step draw the masks, unless step is None."""

    def __init__(self, config: Any, parameters: Named, seed: int = 1337, step: int | None = None) -> None:
        self.c, self.p, self.drawn_by, self.step = config, parameters, seed, step
        self.t: Named = {}
        self.kept: dict[str, Any] = {}  # masks, and what a norm's backward needs

    def __call__(self, idx: Array, targets: Array) -> Named:
        """logits, loss, what lies between and the gradient of each, "d" + its name."""
        c, t, p, (B, T) = self.c, self.t, self.p, idx.shape
        positions = np.tile(np.arange(T), (B, 1))
        emb = ops.embedding_forward(p["wte.weight"], idx) + ops.embedding_forward(p["wpe.weight"], positions)
        x = self._dropped("emb", emb.reshape(B * T, -1), 0, c.embedding_dropout)
        if c.norm_first:
            t["x"] = x
            x = self._norm("norm", x)
        for layer in range(c.n_layer):
            x = self._block(f"blocks.{layer}.", x, (B, T), 1 + 3 * layer)
        if not c.norm_first:
            t["x"] = x
            x = self._norm("norm", x)
        t["h"], w = x, p.get("head.weight", p["wte.weight"])
        t["logits"] = ops.linear_forward(x, w, p.get("head.bias"))
        t["loss"], t["probs"] = ops.cross_entropy_forward(t["logits"], targets.ravel())

        t["dlogits"] = ops.cross_entropy_backward(t["probs"], targets.ravel())
        dx, dw, t["dhead.bias"] = ops.linear_backward(t["dlogits"], x, w)
        t["dh"] = dx
        if not c.norm_first:
            dx = t["dx"] = self._norm_back("norm", dx)
        for layer in reversed(range(c.n_layer)):
            dx = self._block_back(f"blocks.{layer}.", dx)
        if c.norm_first:
            dx = t["dx"] = self._norm_back("norm", dx)
        demb = self._dropped_back("emb", dx).reshape(emb.shape)
        t["dwte.weight"] = ops.embedding_backward(demb, idx, c.vocab_size)
        t["dwpe.weight"] = ops.embedding_backward(demb, positions, c.context_length)
        if "head.weight" in p:
            t["dhead.weight"] = dw
        else:
            t["dwte.weight"] = t["dwte.weight"] + dw
        return t

    def _block(self, at: str, x: Array, BT: tuple[int, int], site: int) -> Array:
        c, t = self.c, self.t
        t[f"{at}x"] = x
        t[f"{at}h1"] = self._norm(f"{at}norm1", x)
        t[f"{at}qkv"] = self._linear(f"{at}attention.qkv", t[f"{at}h1"]).reshape(*BT, 3, -1)
        mask = self.kept[f"{at}probs"] = self._mask((BT[0], c.n_head, BT[1], BT[1]), site, c.dropout)
        y, t[f"{at}probs"] = gpt.attention_forward(t[f"{at}qkv"], mask, c.n_head)
        t[f"{at}y"] = y.reshape(x.shape)
        x = x + self._dropped(f"{at}proj", self._linear(f"{at}attention.proj", t[f"{at}y"]), site + 1, c.dropout)
        t[f"{at}x_mid"] = x
        t[f"{at}h2"] = self._norm(f"{at}norm2", x)
        t[f"{at}a_pre"] = self._linear(f"{at}mlp.fc1", t[f"{at}h2"])
        t[f"{at}a"] = (gpt.relu_forward if c.activation == "relu" else gpt.gelu_forward)(t[f"{at}a_pre"])
        return x + self._dropped(f"{at}fc2", self._linear(f"{at}mlp.fc2", t[f"{at}a"]), site + 2, c.dropout)

    def _block_back(self, at: str, dx: Array) -> Array:
        t, relu = self.t, self.c.activation == "relu"
        t[f"d{at}a"] = self._linear_back(f"{at}mlp.fc2", self._dropped_back(f"{at}fc2", dx), t[f"{at}a"])
        back = (gpt.relu_backward, t[f"{at}a"]) if relu else (gpt.gelu_backward, t[f"{at}a_pre"])
        t[f"d{at}a_pre"] = back[0](t[f"d{at}a"], back[1])
        t[f"d{at}h2"] = self._linear_back(f"{at}mlp.fc1", t[f"d{at}a_pre"], t[f"{at}h2"])
        dx = t[f"d{at}x_mid"] = dx + self._norm_back(f"{at}norm2", t[f"d{at}h2"])
        t[f"d{at}y"] = self._linear_back(f"{at}attention.proj", self._dropped_back(f"{at}proj", dx), t[f"{at}y"])
        qkv, probs = t[f"{at}qkv"], t[f"{at}probs"]
        dy = t[f"d{at}y"].reshape(*qkv.shape[:2], -1)
        t[f"d{at}qkv"] = gpt.attention_backward(dy, qkv, probs, self.kept[f"{at}probs"])
        dqkv = t[f"d{at}qkv"].reshape(len(dx), -1)
        t[f"d{at}h1"] = self._linear_back(f"{at}attention.qkv", dqkv, t[f"{at}h1"])
        t[f"d{at}x"] = dx + self._norm_back(f"{at}norm1", t[f"d{at}h1"])
        return t[f"d{at}x"]

    def _linear(self, name: str, x: Array) -> Array:
        return ops.linear_forward(x, self.p[f"{name}.weight"], self.p.get(f"{name}.bias"))

    def _linear_back(self, name: str, dy: Array, x: Array) -> Array:
        dx, self.t[f"d{name}.weight"], self.t[f"d{name}.bias"] = ops.linear_backward(dy, x, self.p[f"{name}.weight"])
        return dx

    def _norm(self, name: str, x: Array) -> Array:
        if self.c.norm == "rms":
            y, *statistics = gpt.rms_norm_forward(x, None, EPS)
        else:
            y, *statistics = gpt.layer_norm_forward(x, self.p[f"{name}.weight"], self.p[f"{name}.bias"], EPS)
        self.kept[name] = x, *statistics
        return y

    def _norm_back(self, name: str, dy: Array) -> Array:
        if self.c.norm == "rms":
            return gpt.rms_norm_backward(dy, *self.kept[name], None)[0]
        found = gpt.layer_norm_backward(dy, *self.kept[name], self.p[f"{name}.weight"])
        dx, self.t[f"d{name}.weight"], self.t[f"d{name}.bias"] = found
        return dx

    def _mask(self, shape: tuple[int, ...], site: int, p: float) -> Array | None:
        if self.step is None or p == 0:
            return None
        return gpt.dropout_mask(np.empty(shape, f32), p, self.drawn_by, site, self.step)

    def _dropped(self, name: str, x: Array, site: int, p: float) -> Array:
        mask = self.kept[name] = self._mask(x.shape, site, p)
        return x if mask is None else x * mask

    def _dropped_back(self, name: str, dy: Array) -> Array:
        return dy if self.kept[name] is None else dy * self.kept[name]
