"""The baseline of nnz bench: this model as most people write it in torch, eager, nn.Module and torch.optim.AdamW,
and how they draw from it, by torch.multinomial."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F

from .module import MLPModule


def baseline_step(
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


@torch.no_grad()
def baseline_samples(
    parameters: Mapping[str, np.ndarray], context_length: int, delimiter: int, longest: int, count: int, together: bool
) -> list[list[int]]:
    """Draw `count` lines of at most `longest` tokens: all side by side until the last has ended, or one by one."""
    model, rows, lines = MLPModule(parameters), count if together else 1, []
    for _ in range(count // rows):
        context = torch.full((rows, context_length), delimiter)
        drawn, ended = [], torch.zeros(rows, dtype=torch.bool)
        while not ended.all() and len(drawn) < longest:
            logits, _ = model(context)  # (rows, V)
            token = torch.multinomial(F.softmax(logits, dim=1), 1)  # (rows, 1)
            context = torch.cat([context[:, 1:], token], dim=1)
            ended |= token[:, 0] == delimiter
            drawn.append(token)
        lines += torch.cat(drawn, dim=1).tolist()
    return [line[: line.index(delimiter)] if delimiter in line else line for line in lines]
