"""embedding: look up a row per token."""

from __future__ import annotations

import numpy as np


def embedding_forward(wte: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """emb[b,t] = wte[ids[b,t]]        wte (V,E)  ids (B,T)  ->  emb (B,T,E)"""
    return wte[ids]


def embedding_backward(demb: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    """dwte[v] = sum of demb[b,t] where ids[b,t] = v        demb (B,T,E)  ids (B,T)  ->  dwte (V,E)"""
    flat = ids.ravel()
    order = flat.argsort(kind="stable")  # equal ids side by side, so that each run of them is one sum
    used, first = np.unique(flat[order], return_index=True)
    dwte = np.zeros((V, demb.shape[-1]), demb.dtype)
    dwte[used] = np.add.reduceat(demb.reshape(len(flat), -1)[order], first)
    return dwte
