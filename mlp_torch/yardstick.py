"""The yardstick of nnz bench: this model as most people write it in torch, eager, nn.Module and torch.optim.AdamW."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from .module import MLPModule


def usual_step(
    parameters: Mapping[str, np.ndarray],
    tokens: np.ndarray,
    context_length: int,
    batch_size: int,
    lr: float,
    decay: float,
) -> Callable[[], float]:
    """Return a function that takes one training step, batch and optimizer included, and returns the loss."""
    model = MLPModule(parameters)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay)
    tape, position = torch.from_numpy(np.array(tokens, np.int64)), 0

    def step() -> float:
        nonlocal position
        starts = (position + torch.arange(batch_size)) % (len(tape) - context_length)
        windows = tape[starts[:, None] + torch.arange(context_length + 1)]
        position = (position + batch_size) % (len(tape) - context_length)
        _, loss = model(windows[:, :-1], windows[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
