"""embedding: look up a row per token."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..arithmetic import Native, Strict
from .derive import derive


def embedding_forward(wte: Tensor, ids: Tensor, by: type = Native) -> Tensor:
    """emb[b,t] = wte[ids[b,t]]        wte (V,E)  ids (B,T)  ->  emb (B,T,E)"""
    if by is Strict:
        return _StrictEmbedding.apply(wte, ids)
    return F.embedding(ids, wte)


def embedding_backward(demb: Tensor, ids: Tensor, V: int, by: type = Native) -> Tensor:
    """dwte[v] = sum of demb[b,t] where ids[b,t] = v        demb (B,T,E)  ids (B,T)  ->  dwte (V,E)"""
    wte = demb.new_zeros(V, demb.shape[-1])
    return derive(lambda wte: embedding_forward(wte, ids, by), demb, wte)


class _StrictEmbedding(Function):
    @staticmethod
    def forward(ctx, wte: Tensor, ids: Tensor) -> Tensor:
        ctx.ids, ctx.V = ids, len(wte)
        return wte[ids.long()]

    @staticmethod
    @once_differentiable
    def backward(ctx, demb: Tensor) -> tuple[Tensor, None]:
        return Strict.scatter_add(demb.reshape(ctx.ids.numel(), -1), ctx.ids.flatten(), ctx.V), None
