"""Muon: a matrix moves along its momentum made orthogonal, so that it learns in every direction at the same pace."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .optimizers import Optimizer

MOMENTUM = 0.95
COEFFICIENTS = 3.4445, -4.7750, 2.0315  # they bring every singular value to 0.7 .. 1.2 in five rounds
ROUNDS, EPS = 5, 1e-7
Linear = Callable[[np.ndarray, np.ndarray, None], np.ndarray]  # x (B, N), w (M, N) -> x w^T (B, M)
SCALE = 0.2  # the root mean square of an update of AdamW, so that both go well with one learning rate


class Muon(Optimizer):
    """m = 0.95 m + 0.05 g, p = (1 - lr weight_decay) p - lr 0.2 sqrt(max(M, N)) orthogonal(0.05 g + 0.95 m)

    For matrices (M, N), which share their memory with those of any backend. As torch.optim.Muon with
    adjust_lr_fn="match_rms_adamw" (Jordan 2024; scaled as Liu et al. 2025), but all of it in the dtype of p.
    `linear_forward` is the backend's, which then has the threads to itself.
    """

    moments = ("m",)

    def __init__(
        self, parameters: Mapping[str, np.ndarray], lr: float, weight_decay: float, linear_forward: Linear
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self._linear_forward = linear_forward

    def _update(self, p: np.ndarray, m: np.ndarray, g: np.ndarray) -> None:
        m += (1 - MOMENTUM) * (g - m)
        direction = orthogonal(g + MOMENTUM * (m - g), self._linear_forward)
        p *= 1 - self.lr * self.weight_decay
        p -= self.lr * SCALE * max(p.shape) ** 0.5 * direction


def orthogonal(x: np.ndarray, linear_forward: Linear) -> np.ndarray:
    """x (M, N) with all its singular values near 1: x / |x|, then x = a x + (b x x^T + c (x x^T)^2) x, five times."""
    a, b, c = COEFFICIENTS
    tall = x.shape[0] > x.shape[1]
    x = np.ascontiguousarray(x.T if tall else x) / max(float(np.square(x).sum()) ** 0.5, EPS)
    for _ in range(ROUNDS):
        square = linear_forward(x, x, None)  # (M, N) @ (N, M) -> (M, M), the smaller of both ways
        polynomial = b * square + c * linear_forward(square, square, None)
        x = a * x + linear_forward(polynomial, np.ascontiguousarray(x.T), None)  # (M, M) @ (M, N) -> (M, N)
    return x.T if tall else x
