"""torch.optim.AdamW, as the training loop holds an optimizer: its moments by name, to be saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nnz import checks

MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}  # ours and torch's name


class AdamW:
    """torch's own AdamW, all parameters in one kernel (Loshchilov and Hutter 2019).

    Args:
        parameters: those of the model, by name; they are trained in place.
        lr, betas, weight_decay: as in torch.optim.AdamW.
        decay: "all" decays every parameter; "matrices" spares biases and norms, as GPT-2's descendants do.
        clip: if above 0, the gradient as a whole is cut to this length first (Pascanu et al. 2013).
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
        decay: str = "all",
        clip: float = 0.0,
    ) -> None:
        self._p, self._clip, self.t = dict(parameters), clip, 0
        decays = [p for p in self._p.values() if decay == "all" or p.dim() == 2]
        spared = [p for p in self._p.values() if decay != "all" and p.dim() != 2]
        groups = [{"params": decays, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
        self._torch = torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, betas=betas, fused=True)
        for p in self._p.values():
            moments = {theirs: torch.zeros_like(p) for theirs in MOMENTS.values()}
            self._torch.state[p] = {"step": torch.zeros((), device=p.device), **moments}

    @property
    def lr(self) -> float:
        """The learning rate; it may be set before any step."""
        return self._torch.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self._torch.param_groups:
            group["lr"] = value

    def step(self, grads: Mapping[str, Tensor]) -> None:
        """Update the parameters in place."""
        for name, p in self._p.items():
            p.grad = grads[name]
        if self._clip > 0:
            nn.utils.clip_grad_norm_(self._p.values(), self._clip)
        self._torch.step()
        self.t += 1

    def state(self) -> dict[str, Tensor]:
        """The moments by name, "m.wte.weight" and so on; with `t` they are all that a resumed run needs."""
        states = {name: self._torch.state[p] for name, p in self._p.items()}
        return {f"{ours}.{name}": s[theirs] for ours, theirs in MOMENTS.items() for name, s in states.items()}

    def load_state(self, arrays: Mapping[str, Tensor], t: int) -> None:
        """Overwrite the moments and the count of steps. Raises ValueError if a name or shape does not fit."""
        state = self.state()
        checks.named_arrays("optimizer state", arrays, {name: tuple(a.shape) for name, a in state.items()})
        for name, moment in state.items():
            moment.copy_(torch.as_tensor(arrays[name]))
        self.t = checks.count("t", t)
        for p in self._p.values():
            self._torch.state[p]["step"].fill_(self.t)
