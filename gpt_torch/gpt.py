"""The GPT: what every token hands to those after it, in n_layer rounds.

Read it from the top. Radford et al. 2019 (GPT-2) is the source of the shape, Vaswani et al. 2017 that of attention.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnz.backend import checks
from nnz.backend.gpt_config import EPS, GPTConfig
from nnz.backend.initial import INITIAL_SCALE
from nnz.numbers.rng import RNG

from .attention import Attention
from .cache import Cache, LayerCache
from .dropout import Counter, Dropout
from .evaluating import evaluating
from .token_ids import as_ids

SEED = 1337  # draws the weights of a model that is given no RNG


class GPT(nn.Module):
    """logits = head(norm(blocks(wte[idx] + wpe[0 .. T-1]))), a torch module like any other.

    Args:
        config: the shape.
        rng: an nnz.RNG, which draws the weights; RNG(1337) if there is none.
        parameters: arrays or tensors by name, as `named_parameters()` has them: taken instead of drawing.
        device: where torch keeps and computes it.
        dropout_seed: where there is one, dropout masks are those of nn.GPT in every backend: drawn with this key, for
            the step `counter.step`, and each forward in training mode is a step. Without one torch draws, faster.

    Raises:
        TypeError: rng is not an nnz.RNG, parameters is not a mapping, or dropout_seed is not an integer.
        ValueError: a name or a shape among the parameters does not fit the config, or dropout_seed 64 bits.
    """

    def __init__(
        self,
        config: GPTConfig,
        rng: RNG | None = None,
        parameters: Mapping[str, Any] | None = None,
        device: str | torch.device = "cpu",
        dropout_seed: int | None = None,
    ) -> None:
        if parameters is not None:
            checks.named_arrays("parameters", parameters, self.shapes(config))
        super().__init__()
        self.config = config
        self.counter = counter = None if dropout_seed is None else Counter(checks.uint64("dropout_seed", dropout_seed))
        V, T, E = config.vocab_size, config.context_length, config.n_embd
        first = "meta" if device == "meta" else "cpu"
        with torch.device(first), torch.random.fork_rng(devices=[]):  # torch draws weights too: let its RNG forget it
            self.wte = nn.Embedding(V, E)
            self.wpe = nn.Embedding(T, E)
            self.dropout = Dropout(config.embedding_dropout, 0, counter)
            self.blocks = nn.ModuleList(Block(config, 1 + 3 * layer, counter) for layer in range(config.n_layer))
            self.norm = {"layer": nn.LayerNorm(E, EPS), "rms": nn.RMSNorm(E, EPS, False)}[config.norm]
            self.head = nn.Linear(E, V, bias=config.head_bias)
        if config.tied_head:
            self.head.weight = self.wte.weight
        self.to(device, getattr(torch, config.dtype))
        if parameters is not None:
            self._load(parameters)
        elif device != "meta":  # on which tensors have a shape and no memory
            self._draw(checks.generator(RNG(SEED) if rng is None else rng))

    @classmethod
    def shapes(cls, config: GPTConfig) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes of the parameters that such a model has, in their order, without their memory."""
        return {name: tuple(p.shape) for name, p in cls(config, device="meta").named_parameters()}

    @torch.no_grad()
    def _draw(self, rng: RNG) -> None:
        """Matrices from N(0, 0.02), drawn in the order of the parameters; norms' weights 1, every bias 0."""
        for name, p in self.named_parameters():
            if p.dim() == 2:
                p.copy_(torch.from_numpy(INITIAL_SCALE * rng.normal(tuple(p.shape))))
            else:
                p.fill_(1.0 if name.endswith("weight") else 0.0)

    @torch.no_grad()
    def _load(self, parameters: Mapping[str, Any]) -> None:
        for name, p in self.named_parameters():
            p.copy_(torch.as_tensor(parameters[name]))

    def forward(
        self, idx: np.ndarray | Tensor, targets: np.ndarray | Tensor | None = None, cache: Cache | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """idx, targets (B, T) int -> logits (B, T, V), mean cross-entropy in nats over B*T (None without targets).

        With a cache, idx are the tokens after those in it. Raises TypeError for ids that are not integers, ValueError
        for those of another shape, outside 0 .. V-1, or more than the context holds.
        """
        past = 0 if cache is None else cache.length
        idx = as_ids("idx", idx, self.config, self.wte.weight.device, past)
        if targets is not None:
            targets = as_ids("targets", targets, self.config, idx.device, past, idx.shape)
        position = torch.arange(past, past + idx.size(1), device=idx.device)  # (T,)

        x = self.dropout(self.wte(idx) + self.wpe(position))  # (B, T, E) + (T, E) -> (B, T, E)
        if self.config.norm_first:
            x = self.norm(x)
        for layer, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[layer])
        logits = self.head(x if self.config.norm_first else self.norm(x))  # (B, T, E) @ (E, V) -> (B, T, V)
        if self.counter is not None and self.training:
            self.counter.count()

        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def new_cache(self, B: int) -> Cache:
        """A cache for `last_logits`, of B rows."""
        return Cache(self.config)

    def last_logits(self, tokens: np.ndarray, cache: Cache | None = None) -> np.ndarray:
        """tokens (B, n) -> the logits after them (B, V), without dropout, at least in float32.

        With a cache, they follow the tokens in it, and are in it from then on.
        """
        with evaluating(self):
            logits, _ = self(tokens, cache=cache)  # (B, n) -> (B, n, V), of which only the last count
            last = logits[:, -1]
            return last.to(torch.promote_types(last.dtype, torch.float32)).cpu().numpy()


class Block(nn.Module):
    """x = x + attention(norm1(x)), x = x + mlp(norm2(x)): tokens look back, then each thinks for itself.

    Normalised before, not after (Xiong et al. 2020), so that the residual stream passes from end to end untouched.
    """

    def __init__(self, config: GPTConfig, site: int, counter: Counter | None) -> None:
        super().__init__()
        E = config.n_embd
        self.norm1 = {"layer": nn.LayerNorm(E, EPS), "rms": nn.RMSNorm(E, EPS, False)}[config.norm]
        self.attention = Attention(config, site, counter)
        self.norm2 = {"layer": nn.LayerNorm(E, EPS), "rms": nn.RMSNorm(E, EPS, False)}[config.norm]
        self.mlp = FeedForward(config, site + 2, counter)

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """x (B, T, E) -> (B, T, E)."""
        x = x + self.attention(self.norm1(x), cache)
        return x + self.mlp(self.norm2(x))


class FeedForward(nn.Module):
    """y = fc2(activation(fc1(x))), four times as wide in between, for each position alone."""

    def __init__(self, config: GPTConfig, site: int, counter: Counter | None) -> None:
        super().__init__()
        E = config.n_embd
        self.fc1 = nn.Linear(E, 4 * E, bias=config.linear_bias)
        self.activation = {"relu": nn.ReLU(), "gelu": nn.GELU(approximate="tanh")}[config.activation]
        self.fc2 = nn.Linear(4 * E, E, bias=config.linear_bias)
        self.dropout = Dropout(config.dropout, site, counter)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, E) -> (B, T, E)."""
        return self.dropout(self.fc2(self.activation(self.fc1(x))))  # (B, T, E) -> (B, T, 4*E) -> (B, T, E)
