"""adamw: Adam with weight decay that does not pass through the moments."""

from __future__ import annotations

from math import sqrt

from torch import Tensor


def adamw_step(
    p: Tensor,
    m: Tensor,
    v: Tensor,
    g: Tensor,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> None:
    """m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
    p = (1 - lr weight_decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
    p (...)  m (...)  v (...)  g (...)  ->  p (...)  m (...)  v (...)
    """
    m.mul_(beta1).add_((1 - beta1) * g)
    v.mul_(beta2).add_((1 - beta2) * (g * g))
    p.mul_(1 - lr * weight_decay)
    p.sub_(lr / (1 - beta1**t) * (m / (v.sqrt() / sqrt(1 - beta2**t) + eps)))
