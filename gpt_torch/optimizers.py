"""torch's optimizers, as the training loop holds one: its moments by name, to be saved and loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnz.backend import checks
from nnz.backend.clipping import EPS
from nnz.backend.parameter_groups import is_inner

MOMENTS = {"AdamW": {"m": "exp_avg", "v": "exp_avg_sq"}, "Muon": {"m": "momentum_buffer"}}  # ours and torch's names


class Optimizer:
    """Holds one or two of torch's optimizers, each with its parameters; `lr` may be set before any step.

    Args:
        parameters: those of the model, by name, as tensors or as arrays; they are trained in place.
        lr, betas, weight_decay: as in torch.optim.AdamW.
        decay: "all" decays every parameter; "matrices" spares biases and norms, as GPT-2's descendants do.
        clip: if above 0, the gradient as a whole is cut to this length first (Pascanu et al. 2013).
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor | np.ndarray],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 1e-2,
        decay: str = "all",
        clip: float = 0.0,
    ) -> None:
        self._p = {name: torch.as_tensor(p) for name, p in parameters.items()}  # in the same memory
        self._clip, self.t = clip, 0
        self._optimizers: list[torch.optim.Optimizer] = []
        for optimizer in self._made(lr, betas, weight_decay, decay):
            self._add(optimizer)

    def _add(self, optimizer: torch.optim.Optimizer) -> None:
        """Take a fresh optimizer, with the moments that it would make at its first step."""
        for p in (p for group in optimizer.param_groups for p in group["params"]):
            moments = {theirs: torch.zeros_like(p) for theirs in MOMENTS[type(optimizer).__name__].values()}
            optimizer.state[p] = {"step": torch.zeros((), device=p.device), **moments}
        self._optimizers.append(optimizer)

    @property
    def lr(self) -> float:
        """The learning rate, of all parameters."""
        return self._optimizers[0].param_groups[0]["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = value

    def step(self, grads: Mapping[str, Tensor | np.ndarray]) -> None:
        """Update the parameters in place; the gradients are clipped in place."""
        for name, p in self._p.items():
            p.grad = torch.as_tensor(grads[name])
        if self._clip > 0:
            _clip([p.grad for p in self._p.values()], self._clip)
        for optimizer in self._optimizers:
            optimizer.step()
        self.t += 1

    def state(self) -> dict[str, Tensor]:
        """The moments by name, "m.wte.weight" and so on; with `t` they are all that a resumed run needs."""
        return {
            f"{ours}.{name}": optimizer.state[p][theirs]
            for ours in ("m", "v")
            for name, p in self._p.items()
            for optimizer in self._optimizers
            if p in optimizer.state and (theirs := MOMENTS[type(optimizer).__name__].get(ours))
        }

    def load_state(self, arrays: Mapping[str, Any], t: int) -> None:
        """Overwrite the moments and the count of steps. Raises ValueError if a name or shape does not fit."""
        state = self.state()
        checks.named_arrays("optimizer state", arrays, {name: tuple(a.shape) for name, a in state.items()})
        for name, moment in state.items():
            moment.copy_(torch.as_tensor(arrays[name]))
        self.t = checks.count("t", t)
        for optimizer in self._optimizers:
            for found in optimizer.state.values():
                found["step"].fill_(self.t)


class AdamW(Optimizer):
    """torch.optim.AdamW, all parameters in one kernel (Loshchilov and Hutter 2019); arguments as of Optimizer."""

    def _made(self, *how: Any) -> list[torch.optim.Optimizer]:
        return [_adamw(self._p.values(), *how)]


class Muon(Optimizer):
    """torch.optim.Muon for the blocks' matrices, AdamW for all else (Jordan 2024; scaled as Liu et al. 2025).

    A matrix moves along its momentum made orthogonal, so that it learns in every direction at the same pace. Raises
    ImportError where torch is older than 2.9, which brought it. Arguments as of Optimizer.
    """

    def _made(self, lr: float, betas: tuple[float, float], weight_decay: float, decay: str) -> list:
        if not hasattr(torch.optim, "Muon"):
            raise ImportError(f"muon needs torch 2.9 or later, not {torch.__version__}; take optimizer.name=adamw")
        inner = [p for name, p in self._p.items() if is_inner(name, p.shape)]
        outer = [p for name, p in self._p.items() if not is_inner(name, p.shape)]
        muon = torch.optim.Muon(inner, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
        return [muon, _adamw(outer, lr, betas, weight_decay, decay)]


def _adamw(
    parameters: Iterable[Tensor], lr: float, betas: tuple[float, float], weight_decay: float, decay: str
) -> torch.optim.AdamW:
    parameters = list(parameters)
    decays = [p for p in parameters if decay == "all" or p.dim() == 2]
    spared = [p for p in parameters if decay != "all" and p.dim() != 2]
    groups = [{"params": decays, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=lr, betas=betas, fused=True)


def clip_grad_norm(grads: Mapping[str, Tensor | np.ndarray], max_norm: float) -> float:
    """grads = grads min(1, max_norm / (norm + 1e-6)), in place; return their norm before, that of all together.

    As torch.nn.utils.clip_grad_norm_ (Pascanu et al. 2013), but the squares are added up in float64. Raises TypeError
    or ValueError unless max_norm is a finite number from 0.
    """
    return float(_clip([torch.as_tensor(g) for g in grads.values()], checks.non_negative("max_norm", max_norm)))


def _clip(grads: list[Tensor], max_norm: float) -> Tensor:
    """The norm stays where it is: to ask a GPU for it is to wait for it."""
    wide = torch.float32 if grads[0].device.type == "mps" else torch.float64  # which mps does not have
    norm = torch.stack([torch.linalg.vector_norm(g, dtype=wide) for g in grads]).norm()
    torch._foreach_mul_(grads, (max_norm / (norm + EPS)).clamp(max=1.0).to(grads[0].dtype))
    return norm
