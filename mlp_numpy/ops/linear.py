"""linear: a weighted sum of the inputs for each output, plus a bias."""

from __future__ import annotations

import numpy as np


def linear_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """y = x w^T + b        x (B,N)  w (M,N)  b (M,)  ->  y (B,M)"""
    y = x @ w.T  # (B,N) @ (N,M) -> (B,M)
    if b is not None:
        y += b
    return y


def linear_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dx = dy w, dw = dy^T x, db = sum of dy over B
    dy (B,M)  x (B,N)  w (M,N)  ->  dx (B,N)  dw (M,N)  db (M,)
    """
    dx = dy @ w  # (B,M) @ (M,N) -> (B,N)
    dw = dy.T @ x  # (M,B) @ (B,N) -> (M,N)
    db = dy.sum(axis=0)
    return dx, dw, db
