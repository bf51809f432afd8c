"""The GPT in PyTorch: only the forward is written. Autograd follows it back and finds every gradient.

It is what nnz.gpt.GPT computes, with the names, the arguments and the dropout that the GPT has in every backend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnz.backend.gpt import Cache, GPTBase
from nnz.backend.gpt_config import EPS

from ..gpt_ops.attention import fused_attention
from ..model import OnTensors
from ..runtime import as_array, token_ids
from ..strict_gpt_ops import cached_attention as strict_cached_attention
from .cached_attention import cached_attention

CACHED = {"native": cached_attention, "strict": strict_cached_attention}


class GPT(OnTensors, GPTBase):
    __doc__ = GPTBase.__doc__

    def __call__(self, inputs: np.ndarray | Tensor, targets: np.ndarray | Tensor | None = None) -> Any:
        """inputs, targets (B, T) int -> logits (B, T, V), mean cross-entropy in nats (None without targets).

        T is at most the context_length. Arrays give an array and a float, tensors give tensors that autograd can follow
        further. With targets, in training mode, there is dropout, drawn for `dropout_step`, which then is one more.
        Raises TypeError or ValueError on ids that are not integers, of another shape, or outside 0 .. V - 1.
        """
        as_tensors = isinstance(inputs, Tensor)
        with torch.set_grad_enabled(as_tensors or targets is not None):
            logits, loss = super().__call__(inputs, targets)
        if as_tensors:
            return logits, loss
        return logits.detach().cpu().numpy(), None if loss is None else loss.item()

    def _forward(
        self, inputs: Tensor, targets: Tensor | None, step: int | None, cache: Cache | None = None
    ) -> dict[str, Tensor]:
        c, p, ops, (B, T), past = self.config, self._p, self.ops, inputs.shape, 0 if cache is None else cache.length
        positions = torch.arange(past, past + T, dtype=torch.int32, device=self.device).expand(B, T)
        emb = ops.embedding_forward(p["wte.weight"], inputs) + ops.embedding_forward(p["wpe.weight"], positions)
        x, found = self._dropped(emb.view(B * T, c.n_embd), 0, c.embedding_dropout, step), {}
        if c.norm_first:
            outer_x, x = x, self._norm(x, "norm")
        for layer in range(c.n_layer):
            x, of_block = self._block(layer, x, (B, T), step, cache)
            if targets is not None:
                found |= {f"blocks.{layer}.{name}": tensor for name, tensor in of_block.items()}
        outer_x, h = (outer_x, x) if c.norm_first else (x, self._norm(x, "norm"))
        logits = ops.linear_forward(h, p.get("head.weight", p["wte.weight"]), p.get("head.bias"))  # -> (B*T, V)
        found |= {"x": outer_x, "h": h, "logits": logits.view(B, T, -1)}
        if targets is not None:
            found["loss"], _ = ops.cross_entropy_forward(found["logits"].flatten(0, 1), targets.flatten())
        return found

    def _block(
        self, layer: int, x: Tensor, BT: tuple[int, int], step: int | None, cache: Cache | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """x = x + attention(norm1(x)), x = x + mlp(norm2(x)); x (B*T, E) -> the next x, and what lies between."""
        c, ops, s, site, at = self.config, self.ops, {"x": x}, 1 + 3 * layer, f"blocks.{layer}."
        s["h1"] = self._norm(x, f"{at}norm1")
        s["qkv"] = qkv = self._linear(s["h1"], f"{at}attention.qkv").view(*BT, 3, c.n_embd)  # (B, T, 3, E)
        mask = self._mask(site, c.dropout, (BT[0], c.n_head, BT[1], BT[1]), step)
        if cache is not None:
            y = CACHED[self.precision](qkv, cache.kept[layer], cache.length)
        elif c.attention == "fused" and mask is None and self.precision == "native":
            y = fused_attention(qkv, c.n_head)
        else:
            y, _ = ops.attention_forward(qkv, mask, c.n_head)  # (B, T, E)
        s["y"] = y.reshape(x.shape)
        proj = self._linear(s["y"], f"{at}attention.proj")
        x = s["x_mid"] = x + self._dropped(proj, site + 1, c.dropout, step)

        s["h2"] = self._norm(x, f"{at}norm2")
        s["a_pre"] = self._linear(s["h2"], f"{at}mlp.fc1")  # (B*T, E) @ (E, 4*E) -> (B*T, 4*E)
        s["a"] = ops.relu_forward(s["a_pre"]) if c.activation == "relu" else ops.gelu_forward(s["a_pre"])
        return x + self._dropped(self._linear(s["a"], f"{at}mlp.fc2"), site + 2, c.dropout, step), s

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return self.ops.linear_forward(x, self._p[f"{name}.weight"], self._p.get(f"{name}.bias"))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        if self.config.norm == "rms":
            return self.ops.rms_norm_forward(x, None, EPS)[0]
        return self.ops.layer_norm_forward(x, self._p[f"{name}.weight"], self._p[f"{name}.bias"], EPS)[0]

    def _dropped(self, x: Tensor, site: int, p: float, step: int | None) -> Tensor:
        mask = self._mask(site, p, tuple(x.shape), step)
        return x if mask is None else self.ops.dropout_forward(x, mask)

    def _mask(self, site: int, p: float, shape: tuple[int, ...], step: int | None) -> Tensor | None:
        """What dropout multiplies by at one of its places in the model; None where it does nothing."""
        if step is None or p == 0:
            return None
        mask = torch.empty(shape, dtype=getattr(torch, self.dtype), device=self.device)
        self.ops.dropout_mask(mask, p, self.dropout_seed, site, step)
        return mask

    @torch.inference_mode()
    def _last_logits(self, tokens: Tensor, cache: Cache | None) -> np.ndarray:
        return super()._last_logits(tokens, cache).cpu().numpy()

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=getattr(torch, self.dtype), device=self.device)

    def _backward(self, saved: dict[str, Tensor]) -> dict[str, np.ndarray | Tensor]:
        gradients = torch.autograd.grad(saved["loss"], list(self._p.values()), retain_graph=True)
        return dict(zip(self._p, map(as_array, gradients), strict=True))

    def _tensors(self, saved: dict[str, Tensor]) -> dict[str, np.ndarray]:
        c, (B, T) = self.config, saved["inputs"].shape
        found = {name: saved[name] for name in c.intermediates(B, T) if name in saved}
        backward = torch.autograd.grad(saved["loss"], list(found.values()), retain_graph=True)
        found |= {f"d{name}": gradient for name, gradient in zip(found, backward, strict=True)}
        found["probs"] = self.ops.cross_entropy_forward(found["logits"].flatten(0, 1), saved["targets"].flatten())[1]
        for block in (f"blocks.{layer}." for layer in range(c.n_layer)):  # fused attention does not hand them out
            found[f"{block}probs"] = self.ops.attention_forward(found[f"{block}qkv"], None, c.n_head)[1]
        return {name: tensor.detach().cpu().numpy() for name, tensor in found.items()}

    def _ids(self, name: str, ids: np.ndarray | Tensor, shape: tuple[int | None, ...]) -> Tensor:
        return token_ids(name, ids, shape, self.config.vocab_size, self.device)
