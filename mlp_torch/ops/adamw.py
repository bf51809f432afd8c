"""adamw: Adam with weight decay that does not pass through the moments."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from ..arithmetic import Native


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
    by: type = Native,
) -> None:
    """m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
    p = (1 - lr weight_decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
    p (...)  m (...)  v (...)  g (...)  ->  p (...)  m (...)  v (...)
    """
    if by is Native and p.is_contiguous() and m.is_contiguous() and v.is_contiguous():
        steps = torch.full((), float(t), device=p.device)  # in one pass, as torch.optim.AdamW(fused=True)
        settings = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": weight_decay}
        settings |= {"amsgrad": False, "maximize": False}
        torch._fused_adamw_([p], [g.contiguous()], [m], [v], [], [steps], **settings)
        return
    m.mul_(beta1).add_((1 - beta1) * g)
    v.mul_(beta2).add_((1 - beta2) * (g * g))
    p.mul_(1 - lr * weight_decay)
    denominator = by.sqrt(v).div_(sqrt(1 - beta2**t)).add_(eps)
    p.sub_(lr / (1 - beta1**t) * (m / denominator))
