"""embedding: look up a row per token."""

from __future__ import annotations

import numpy as np


def embedding_forward(wte: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """emb[b,t] = wte[ids[b,t]]        wte (V,E)  ids (B,T)  ->  emb (B,T,E)"""
    return wte.take(ids, axis=0)


def embedding_backward(demb: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    """dwte[v] = sum of demb[b,t] where ids[b,t] = v        demb (B,T,E)  ids (B,T)  ->  dwte (V,E)"""
    order = ids.argsort(axis=None, kind="stable")  # equal ids next to each other, so that each run of them is one sum
    rows, ids = demb.reshape(ids.size, -1).take(order, axis=0), ids.take(order)
    first = np.append(0, np.flatnonzero(ids[1:] != ids[:-1]) + 1)  # where each run begins
    dwte = np.zeros((V, demb.shape[-1]), demb.dtype)
    dwte[ids[first]] = np.add.reduceat(rows, first)
    return dwte
