"""A training that diverged is stopped, so that its last finite checkpoint is not lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..backend.model import not_finite

TOGETHER = 64  # losses of a GPU: to wait for each would cost more than a thousandth of a step


class Diverged(FloatingPointError):
    """A loss, or a number of the model or its optimizer, is not finite any more."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(f"at step {step} {what} is not finite: the training diverged; train with a lower optimizer.lr")


def check_loss(step: int, loss: float, name: str = "the loss") -> float:
    """Return the loss. Raises Diverged if it is not finite."""
    if not math.isfinite(loss):
        raise Diverged(step, name)
    return loss


def check_arrays(step: int, arrays: Mapping[str, Any]) -> None:
    """Raises Diverged if one of their numbers is not finite."""
    name = not_finite(arrays)
    if name is not None:
        raise Diverged(step, name)


class Losses:
    """The losses of a training's steps, each checked at once, or, where a GPU computes them, some together."""

    def __init__(self) -> None:
        self._unchecked: list[tuple[int, Any]] = []

    def add(self, step: int, loss: Any) -> None:
        """Take one more. Raises Diverged."""
        if isinstance(loss, float) and math.isfinite(loss):  # a float comes first: this takes 0.1 microseconds
            return
        self._unchecked.append((step, loss))
        if str(getattr(loss, "device", "cpu")) == "cpu" or len(self._unchecked) == TOGETHER:
            self.check()

    def check(self) -> None:
        """Raises Diverged, with the step of the first loss that is not finite."""
        for step, loss in self._unchecked:
            check_loss(step, loss)
        self._unchecked.clear()
