"""Parameters in groups, those that decay, those that do not and those of Muon, trained as by one optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import isfinite
from types import ModuleType
from typing import Any

from . import checks
from .muon import Muon

DECAYS = {"all": lambda p: True, "matrices": lambda p: len(p.shape) == 2}  # spares biases and norms, as GPT-2 does


class ParameterGroups:
    """The backend's AdamW, once for each group; and, if `clip` is above 0, the gradients are clipped to it before.

    As "muon" it leaves the blocks' matrices, which then all decay, to Muon.

    Args:
        nn: the backend.
        parameters: those of the model, by name; where an optimizer puts new arrays into its dict, so does this.
        lr, betas, weight_decay: as of nn.AdamW.
        decay: "all", or "matrices" alone.
        clip: the largest norm of all gradients together; 0 for any.
        name: "adamw", or "muon".
        precision: of AdamW and the clipping, as an argument; without it, the native one.
    """

    def __init__(
        self,
        nn: ModuleType,
        parameters: dict[str, Any],
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
        decay: str = "all",
        clip: float = 0.0,
        name: str = "adamw",
        **precision: str,
    ) -> None:
        inner = {n: p for n, p in parameters.items() if name == "muon" and is_inner(n, tuple(p.shape))}
        groups: dict[bool, dict[str, Any]] = {True: {}, False: {}}
        for n, p in parameters.items():
            if n not in inner:
                groups[DECAYS[decay](p)][n] = p
        self._optimizers: list[tuple[dict[str, Any], Any]] = [
            (group, nn.AdamW(group, lr=lr, betas=betas, weight_decay=weight_decay if decays else 0.0, **precision))
            for decays, group in groups.items()
            if group
        ]
        if inner:
            self._optimizers.append((inner, Muon(inner, lr, weight_decay, nn.ops.linear_forward)))
        self._parameters = parameters
        if clip and not hasattr(nn, "clip_grad_norm"):
            raise ImportError(
                f"{nn.__name__} cannot clip: it has no clip_grad_norm; write one, or set optimizer.clip=0"
            )
        self._clip, self._clip_grad_norm = clip, partial(nn.clip_grad_norm, **precision) if clip else None

    @property
    def optimizers(self) -> list[Any]:
        """One for each group."""
        return [optimizer for _, optimizer in self._optimizers]

    @property
    def lr(self) -> float:
        """The learning rate of the next step, of all parameters."""
        return self._optimizers[0][1].lr

    @lr.setter
    def lr(self, value: float) -> None:
        for _, optimizer in self._optimizers:
            optimizer.lr = value

    @property
    def t(self) -> int:
        """How many steps were taken."""
        return self._optimizers[0][1].t

    def step(self, grads: Mapping[str, Any]) -> float | None:
        """Update the parameters in place; return the norm of the gradients before they were clipped, if they are.

        Where it is not finite nothing is updated.
        """
        norm = float(self._clip_grad_norm(grads, self._clip)) if self._clip_grad_norm else None
        if norm is None or isfinite(norm):
            for group, optimizer in self._optimizers:
                optimizer.step({name: grads[name] for name in group})
                if any(self._parameters[name] is not p for name, p in group.items()):  # arrays that nobody can write to
                    self._parameters.update(group)
        return norm

    def state(self) -> dict[str, Any]:
        """The moments by name; with `t` they are all that a resumed run needs."""
        return {name: array for _, optimizer in self._optimizers for name, array in optimizer.state().items()}

    def load_state(self, arrays: Mapping[str, Any], t: int) -> None:
        """Overwrite the moments and the count of steps. Raises ValueError if a name or shape does not fit."""
        checks.named_arrays("optimizer state", arrays, {name: tuple(a.shape) for name, a in self.state().items()})
        for _, optimizer in self._optimizers:
            optimizer.load_state({name: arrays[name] for name in optimizer.state()}, t)


def is_inner(name: str, shape: tuple[int, ...]) -> bool:
    """Tell whether a parameter is a matrix of a block: neither an embedding nor the head, neither bias nor norm."""
    return len(shape) == 2 and name.startswith("blocks.")
