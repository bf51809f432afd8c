"""embedding: look up a row per token."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def embedding_forward(wte: Tensor, ids: Tensor) -> Tensor:
    """emb[b,t] = wte[ids[b,t]]        wte (V,E)  ids (B,T)  ->  emb (B,T,E)"""
    return F.embedding(ids, wte)


def embedding_backward(demb: Tensor, ids: Tensor, V: int) -> Tensor:
    """dwte[v] = sum of demb[b,t] where ids[b,t] = v        demb (B,T,E)  ids (B,T)  ->  dwte (V,E)"""
    wte = demb.new_zeros(V, demb.shape[-1])  # of any values: the gradient does not depend on them
    return torch.func.vjp(lambda wte: embedding_forward(wte, ids), wte)[1](demb)[0]
