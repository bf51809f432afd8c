"""A model as it is used rather than trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside: no dropout and no gradients. Afterwards the model is in the mode it was in."""
    training = model.training
    if training:  # setting every module's mode takes as long as a small model's forward pass
        model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        if training:
            model.train()
