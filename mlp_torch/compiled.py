"""The MLP made one piece by torch.compile: autograd sees one operation, so what lies within is asked for otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from .ops.cross_entropy import cross_entropy_backward
from .ops.linear import linear_backward
from .ops.tanh import tanh_backward


@cache
def compiled(forward: Callable) -> Callable:
    """The forward, compiled when it is first called, and anew for other sizes.

    Its loops run on one thread, so that an embedding's gradient is always added in one order; its products on all.
    """
    return torch.compile(forward, options={"cpp.threads": 1})


def gradients(saved: dict[str, Any], parameters: Iterable[Tensor]) -> list[Tensor]:
    """The gradient of saved["loss"] by each parameter. To go back frees what compiled code kept: once is for ever."""
    if "gradients" not in saved:
        saved["gradients"] = torch.autograd.grad(saved["loss"], list(parameters))
    return [gradient.clone() for gradient in saved["gradients"]]


@torch.enable_grad()
def derivatives(saved: dict[str, Any], p: dict[str, Tensor]) -> dict[str, Tensor]:
    """The gradient by each tensor between weights and loss, op by op."""
    d = {"dlogits": cross_entropy_backward(saved["probs"], saved["targets"])}
    d["dh"] = linear_backward(d["dlogits"], saved["h"], p["fc2.weight"])[0]
    d["dh_pre"] = tanh_backward(d["dh"], saved["h"])
    x = saved["emb"].flatten(1)
    d["demb"] = linear_backward(d["dh_pre"], x, p["fc1.weight"])[0].view(saved["emb"].shape)
    return d
