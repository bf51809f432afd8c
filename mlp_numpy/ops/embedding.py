"""embedding: look up a row per token."""

from __future__ import annotations

import numpy as np

from ..arithmetic import Native


def embedding_forward(wte: np.ndarray, ids: np.ndarray, by: type = Native) -> np.ndarray:
    """emb[b,t] = wte[ids[b,t]]        wte (V,E)  ids (B,T)  ->  emb (B,T,E)"""
    return wte.take(ids, axis=0)


def embedding_backward(demb: np.ndarray, ids: np.ndarray, V: int, by: type = Native) -> np.ndarray:
    """dwte[v] = sum of demb[b,t] where ids[b,t] = v        demb (B,T,E)  ids (B,T)  ->  dwte (V,E)"""
    return by.scatter_add(demb.reshape(ids.size, -1), ids.ravel(), V)
