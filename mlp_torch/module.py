"""The same model as everyday PyTorch: nn.Module, ready-made layers. To the bit what mlp.py spells out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MLPModule(nn.Module):
    """logits = fc2(tanh(fc1(the embeddings of T tokens, side by side)))        (Bengio et al. 2003)

    `parameters` are those of an MLP of any backend, by name; they are copied.
    """

    def __init__(self, parameters: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        p = {name: torch.tensor(np.asarray(array)) for name, array in parameters.items()}
        (V, E), (H, N), dtype = p["wte"].shape, p["fc1.weight"].shape, p["wte"].dtype
        self.wte = nn.Embedding(V, E, dtype=dtype)
        self.fc1 = nn.Linear(N, H, dtype=dtype)
        self.fc2 = nn.Linear(H, V, dtype=dtype)
        self.load_state_dict({name.replace("wte", "wte.weight"): tensor for name, tensor in p.items()})

    def forward(self, inputs: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """inputs (B, T), targets (B,) int64 -> logits (B, V), mean cross-entropy in nats (None without targets)."""
        emb = self.wte(inputs)  # (B, T, E)
        h = torch.tanh(self.fc1(emb.flatten(1)))  # (B, T*E) -> (B, H)
        logits = self.fc2(h)  # (B, V)
        return logits, None if targets is None else F.cross_entropy(logits, targets)
