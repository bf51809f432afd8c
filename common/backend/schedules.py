"""Learning rates as a function of the step; each is set before its step."""

from __future__ import annotations

import math
from collections.abc import Callable


def cosine(lr: float, step: int, steps: int) -> float:
    """lr * 0.5 * (1 + cos(pi * step / steps)), from lr at step 0 towards 0 (Loshchilov & Hutter 2017, no restarts)."""
    return lr * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def constant(lr: float, step: int, steps: int) -> float:
    """lr at every step."""
    return lr


def linear(lr: float, step: int, steps: int) -> float:
    """lr * (1 - step / steps), from lr at step 0 towards 0."""
    return lr * (1.0 - step / steps)


def step(lr: float, step: int, steps: int) -> float:
    """lr for the first half of the steps, lr / 10 for the second."""
    return lr if step < steps / 2 else lr / 10


SCHEDULES: dict[str, Callable[[float, int, int], float]] = {
    "cosine": cosine,
    "constant": constant,
    "linear": linear,
    "step": step,
}


def warmed_up(schedule: str, warmup: int, lr: float, step: int, steps: int) -> float:
    """The learning rate of a step: as the schedule has it, and rising to it over the first `warmup` steps."""
    lr = SCHEDULES[schedule](lr, step, steps)
    return lr * (step + 1) / warmup if step < warmup else lr
