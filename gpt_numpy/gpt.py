"""The GPT in numpy: forward and backward written by hand, each line one operation on whole arrays.

Between the operations each position is a row: x is (B*T, E), and only attention sees which rows belong together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnz.backend.gpt import Cache, GPTBase
from nnz.backend.gpt_config import EPS

from . import strict_ops
from .by_precision import OPS
from .cached_attention import cached_attention

CACHED = {"native": cached_attention, "strict": strict_ops.cached_attention}

Array = np.ndarray
Named = dict[str, Array]
Saved = dict[str, Any]


class GPT(GPTBase):
    __doc__ = GPTBase.__doc__
    ops_by_precision = OPS

    def attention_maps(self, ids: Array) -> Array:
        ids = self._ids("ids", ids[:, : self.config.context_length], (1, None))
        return np.stack([saved["probs"][0] for saved in self._forward(ids, ids, None)["blocks"]])

    def _forward(self, inputs: Array, targets: Array | None, step: int | None, cache: Cache | None = None) -> Saved:
        c, p, ops, (B, T), past = self.config, self._p, self.ops, inputs.shape, 0 if cache is None else cache.length
        positions = np.broadcast_to(np.arange(past, past + T, dtype=np.int32), (B, T))
        emb = ops.embedding_forward(p["wte.weight"], inputs) + ops.embedding_forward(p["wpe.weight"], positions)
        mask = self._mask(0, c.embedding_dropout, (B * T, c.n_embd), step)
        x, blocks = self._dropped(emb.reshape(B * T, c.n_embd), mask), []
        if c.norm_first:
            outer_x = x
            x, norm = self._norm_forward(x, "norm")
        for layer in range(c.n_layer):
            x, saved = self._block_forward(layer, x, (B, T), step, cache)
            blocks.append(saved)
        h = x
        if not c.norm_first:
            outer_x = x
            h, norm = self._norm_forward(x, "norm")
        logits = ops.linear_forward(h, p.get("head.weight", p["wte.weight"]), p.get("head.bias"))  # -> (B*T, V)
        if targets is None:
            return {"logits": logits.reshape(B, T, -1)}
        loss, probs = ops.cross_entropy_forward(logits, targets.reshape(-1))
        found = {"logits": logits.reshape(B, T, -1), "loss": loss, "probs": probs}
        return found | {"positions": positions, "mask": mask, "blocks": blocks, "x": outer_x, "h": h, "norm": norm}

    def _backward(self, s: Saved, between: Named | None = None) -> Named:
        """The gradients of the parameters; `between`, if it is given, gets those of the intermediates."""
        c, p, ops, d, (B, T) = self.config, self._p, self.ops, {}, s["inputs"].shape
        dlogits = ops.cross_entropy_backward(s["probs"], s["targets"].reshape(-1))  # (B*T, V)
        w = p.get("head.weight", p["wte.weight"])
        dh, dw, d["head.bias"] = ops.linear_backward(dlogits, s["h"], w)
        dx = dh if c.norm_first else self._norm_backward(dh, s["x"], s["norm"], "norm", d)
        if between is not None:
            between |= {"dlogits": dlogits, "dh": dh, "dx": dx}
        for layer in reversed(range(c.n_layer)):
            dx, of_block = self._block_backward(layer, dx, s["blocks"][layer], d)
            if between is not None:
                between |= {f"dblocks.{layer}.{name}": gradient for name, gradient in of_block.items()}
        if c.norm_first:
            dx = self._norm_backward(dx, s["x"], s["norm"], "norm", d)
            if between is not None:
                between["dx"] = dx
        demb = self._dropped_backward(dx, s["mask"]).reshape(B, T, -1)
        d["wte.weight"] = ops.embedding_backward(demb, s["inputs"], c.vocab_size)
        d["wpe.weight"] = ops.embedding_backward(demb, s["positions"], c.context_length)
        if c.tied_head:  # the same matrix at both ends: both gradients come to it
            d["wte.weight"] += dw
        else:
            d["head.weight"] = dw
        return d

    def _block_forward(
        self, layer: int, x: Array, BT: tuple[int, int], step: int | None, cache: Cache | None
    ) -> tuple[Array, Saved]:
        """x = x + attention(norm1(x)), x = x + mlp(norm2(x)); x (B*T, E) -> the next x, and what backward needs."""
        c, ops, site, at = self.config, self.ops, 1 + 3 * layer, f"blocks.{layer}."
        s: Saved = {"x": x}
        s["h1"], s["norm1"] = self._norm_forward(x, f"{at}norm1")
        s["qkv"] = self._linear_forward(s["h1"], f"{at}attention.qkv").reshape(*BT, 3, c.n_embd)  # (B, T, 3, E)
        s["probs_mask"] = self._mask(site, c.dropout, (BT[0], c.n_head, BT[1], BT[1]), step)
        if cache is None:
            y, s["probs"] = ops.attention_forward(s["qkv"], s["probs_mask"], c.n_head)  # (B, T, E), (B, H, T, T)
        else:
            y = CACHED[self.precision](s["qkv"], cache.kept[layer], cache.length)
        s["y"] = y.reshape(x.shape)
        s["proj_mask"] = self._mask(site + 1, c.dropout, x.shape, step)
        x = s["x_mid"] = x + self._dropped(self._linear_forward(s["y"], f"{at}attention.proj"), s["proj_mask"])

        s["h2"], s["norm2"] = self._norm_forward(x, f"{at}norm2")
        s["a_pre"] = self._linear_forward(s["h2"], f"{at}mlp.fc1")  # (B*T, E) @ (E, 4*E) -> (B*T, 4*E)
        s["a"] = ops.relu_forward(s["a_pre"]) if c.activation == "relu" else ops.gelu_forward(s["a_pre"])
        s["fc2_mask"] = self._mask(site + 2, c.dropout, x.shape, step)
        return x + self._dropped(self._linear_forward(s["a"], f"{at}mlp.fc2"), s["fc2_mask"]), s

    def _tensors(self, s: Saved) -> Named:
        between: Named = {}
        self._backward(s, between)
        in_blocks = {
            f"blocks.{i}.{name}": array for i, block in enumerate(s["blocks"]) for name, array in block.items()
        }
        return s | in_blocks | between

    def _block_backward(self, layer: int, dx: Array, s: Saved, d: Named) -> tuple[Array, Named]:
        """dx (B*T, E) of what the block gave -> dx of what it took, and the gradients of what s has by name.

        Those of its parameters go to d.
        """
        ops, at = self.ops, f"blocks.{layer}."
        dfc2 = self._dropped_backward(dx, s["fc2_mask"])
        da = self._linear_backward(dfc2, s["a"], f"{at}mlp.fc2", d)
        is_relu = self.config.activation == "relu"
        da_pre = ops.relu_backward(da, s["a"]) if is_relu else ops.gelu_backward(da, s["a_pre"])
        dh2 = self._linear_backward(da_pre, s["h2"], f"{at}mlp.fc1", d)
        dx_mid = dx + self._norm_backward(dh2, s["x_mid"], s["norm2"], f"{at}norm2", d)  # x_mid goes both ways

        dproj = self._dropped_backward(dx_mid, s["proj_mask"])
        dy = self._linear_backward(dproj, s["y"], f"{at}attention.proj", d).reshape(s["qkv"][:, :, 0].shape)
        dqkv = ops.attention_backward(dy, s["qkv"], s["probs"], s["probs_mask"])
        dh1 = self._linear_backward(dqkv.reshape(len(dx), -1), s["h1"], f"{at}attention.qkv", d)
        dx = dx_mid + self._norm_backward(dh1, s["x"], s["norm1"], f"{at}norm1", d)
        return dx, {"a": da, "a_pre": da_pre, "h2": dh2, "x_mid": dx_mid, "y": dy, "qkv": dqkv, "h1": dh1, "x": dx}

    def _linear_forward(self, x: Array, name: str) -> Array:
        return self.ops.linear_forward(x, self._p[f"{name}.weight"], self._p.get(f"{name}.bias"))

    def _linear_backward(self, dy: Array, x: Array, name: str, d: Named) -> Array:
        dx, d[f"{name}.weight"], d[f"{name}.bias"] = self.ops.linear_backward(dy, x, self._p[f"{name}.weight"])
        return dx

    def _norm_forward(self, x: Array, name: str) -> tuple[Array, tuple[Array, ...]]:
        """What the norm gives, and the statistics that its backward needs."""
        if self.config.norm == "rms":
            y, rstd = self.ops.rms_norm_forward(x, None, EPS)
            return y, (rstd,)
        y, mean, rstd = self.ops.layer_norm_forward(x, self._p[f"{name}.weight"], self._p[f"{name}.bias"], EPS)
        return y, (mean, rstd)

    def _norm_backward(self, dy: Array, x: Array, statistics: tuple[Array, ...], name: str, d: Named) -> Array:
        if self.config.norm == "rms":
            return self.ops.rms_norm_backward(dy, x, *statistics, None)[0]
        weight = self._p[f"{name}.weight"]
        dx, d[f"{name}.weight"], d[f"{name}.bias"] = self.ops.layer_norm_backward(dy, x, *statistics, weight)
        return dx

    def _mask(self, site: int, p: float, shape: tuple[int, ...], step: int | None) -> Array | None:
        """What dropout multiplies by at one of its places in the model; None where it does nothing."""
        if step is None or p == 0:
            return None
        mask = np.empty(shape, self.dtype)
        self.ops.dropout_mask(mask, p, self.dropout_seed, site, step)
        return mask

    def _dropped(self, x: Array, mask: Array | None) -> Array:
        return x if mask is None else self.ops.dropout_forward(x, mask)

    def _dropped_backward(self, dy: Array, mask: Array | None) -> Array:
        return dy if mask is None else self.ops.dropout_backward(dy, mask)
