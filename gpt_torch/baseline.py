"""The baselines of nnz bench: this GPT as most people write it and trained in eager torch.

`baseline_step("heads")` has a module for each head and a mask held as a buffer, as in Karpathy's course; "fused" one
product for q, k and v and torch's own attention, as in nanoGPT. Both cut their batches with torch.stack and step with a
plain torch.optim.AdamW. `baseline_tokens` draws from the second with keys and values kept by torch.cat.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnz.backend.gpt_config import GPTConfig


def baseline_step(
    style: str, config: GPTConfig, tokens: np.ndarray, batch_size: int, lr: float, device: str
) -> Callable[[], float]:
    """Return a function that takes one training step, batch and optimizer included, and returns the loss."""
    model = _BaselineGPT(config, {"heads": _Heads, "fused": _Fused}[style]).to(device, getattr(torch, config.dtype))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    tape, T = torch.from_numpy(np.array(tokens, np.int64)), config.context_length

    def step() -> float:
        starts = torch.randint(len(tape) - T, (batch_size,))
        inputs = torch.stack([tape[i : i + T] for i in starts]).to(device)
        targets = torch.stack([tape[i + 1 : i + T + 1] for i in starts]).to(device)
        logits = model(inputs)
        loss = F.cross_entropy(logits.view(-1, config.vocab_size), targets.view(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def baseline_tokens(config: GPTConfig) -> Callable[[int], list[int]]:
    """Return a function that draws so many tokens of one sequence after token 0; no more than fit into the context."""
    model = _BaselineGPT(config, _Fused).to(getattr(torch, config.dtype)).eval()

    @torch.inference_mode()
    def draw(count: int) -> list[int]:
        token, drawn = torch.zeros(1, 1, dtype=torch.long), []
        for block in model.blocks:
            block.attention.kept = ()
        for position in range(count):
            x = model.tokens(token) + model.positions.weight[position]
            logits = model.head(model.norm(model.blocks(x)))[:, -1]
            token = torch.multinomial(F.softmax(logits, dim=-1), 1)
            drawn.append(token.item())
        for block in model.blocks:
            block.attention.kept = None
        return drawn

    return draw


class _BaselineGPT(nn.Module):
    def __init__(self, config: GPTConfig, attention: type[nn.Module]) -> None:
        super().__init__()
        V, T, E = config.vocab_size, config.context_length, config.n_embd
        self.tokens, self.positions = nn.Embedding(V, E), nn.Embedding(T, E)
        self.blocks = nn.Sequential(*(_BaselineBlock(config, attention) for _ in range(config.n_layer)))
        self.norm, self.head = nn.LayerNorm(E), nn.Linear(E, V)

    def forward(self, idx: Tensor) -> Tensor:
        x = self.tokens(idx) + self.positions(torch.arange(idx.shape[1], device=idx.device))
        return self.head(self.norm(self.blocks(x)))


class _BaselineBlock(nn.Module):
    def __init__(self, config: GPTConfig, attention: type[nn.Module]) -> None:
        super().__init__()
        E = config.n_embd
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(E), attention(config), nn.LayerNorm(E)
        self.mlp = nn.Sequential(nn.Linear(E, 4 * E), nn.ReLU(), nn.Linear(4 * E, E), nn.Dropout(config.dropout))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class _Heads(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads = nn.ModuleList(_Head(config) for _ in range(config.n_head))
        self.proj, self.dropout = nn.Linear(config.n_embd, config.n_embd), nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.proj(torch.cat([head(x) for head in self.heads], dim=-1)))


class _Head(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        E, hs, T = config.n_embd, config.n_embd // config.n_head, config.context_length
        self.q, self.k, self.v = (nn.Linear(E, hs, bias=False) for _ in range(3))
        self.register_buffer("past", torch.ones(T, T).tril())
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        T, q, k, v = x.shape[1], self.q(x), self.k(x), self.v(x)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        weights = F.softmax(scores.masked_fill(self.past[:T, :T] == 0, float("-inf")), dim=-1)
        return self.dropout(weights) @ v


class _Fused(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        E = config.n_embd
        self.n_head, self.rate = config.n_head, config.dropout
        self.qkv, self.proj = nn.Linear(E, 3 * E, bias=False), nn.Linear(E, E)
        self.dropout = nn.Dropout(config.dropout)
        self.kept: tuple[Tensor, ...] | None = None  # keys and values of the tokens so far, in generation

    def forward(self, x: Tensor) -> Tensor:
        B, T, E = x.shape
        q, k, v = (t.view(B, T, self.n_head, E // self.n_head).transpose(1, 2) for t in self.qkv(x).split(E, dim=2))
        rate = self.rate if self.training else 0.0
        if self.kept is not None:
            k, v = self.kept = tuple(torch.cat(pair, dim=2) for pair in zip(self.kept, (k, v), strict=False)) or (k, v)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=rate, is_causal=self.kept is None)
        return self.dropout(self.proj(y.transpose(1, 2).contiguous().view(B, T, E)))
