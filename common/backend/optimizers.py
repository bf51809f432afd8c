"""What an optimizer of every backend is apart from its arithmetic: checked settings, named state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..numbers import precisions
from . import checks
from .described import described


def is_resumable(optimizer: Any) -> bool:
    """Tell whether a run can be continued with it; an optimizer from elsewhere may only make steps."""
    parts = getattr(optimizer, "optimizers", [optimizer])
    return all(hasattr(part, "state") and hasattr(part, "load_state") for part in parts)


def state_of(optimizer: Any) -> dict[str, Any]:
    """Return the optimizer's moments by name; of one that is not resumable, none."""
    return optimizer.state() if is_resumable(optimizer) else {}


def as_native(array: np.ndarray) -> np.ndarray:
    """Return the array in this machine's byte order; uncopied if it is."""
    array = np.asarray(array)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


class Optimizer:
    """Holds the parameters and one array of each moment per parameter; `lr` may be set before any step."""

    moments: tuple[str, ...] = ()
    _update: Callable[..., None]  # takes a parameter, its moments and its gradient
    ops_by_precision: Mapping[str, Any]  # a backend's operations
    native = staticmethod(as_native)  # how the backend holds an array, and how it makes and fills one
    zeros_like = staticmethod(np.zeros_like)
    copy_into = staticmethod(np.copyto)

    def __init__(
        self, parameters: Mapping[str, np.ndarray], lr: float, weight_decay: float, precision: str = precisions.NATIVE
    ) -> None:
        checks.parameters(parameters)
        dtypes = [str(p.dtype).removeprefix("torch.") for p in parameters.values()]
        devices = {str(getattr(p, "device", "cpu")) for p in parameters.values()} - {"cpu"}
        self.precision = precisions.checked(precision, max(dtypes, default="float32"), max(devices, default="cpu"))
        self._p = {name: self.native(p) for name, p in parameters.items()}
        self._shapes = {name: tuple(p.shape) for name, p in self._p.items()}
        self.lr = lr
        self.weight_decay = checks.non_negative("weight_decay", weight_decay)
        self.t = 0
        self._state = {moment: {name: self.zeros_like(p) for name, p in self._p.items()} for moment in self.moments}

    @property
    def ops(self) -> Any:
        """The operations of the optimizer's precision."""
        return self.ops_by_precision[self.precision]

    def __repr__(self) -> str:
        return described(self)

    @property
    def lr(self) -> float:
        """The learning rate of the next step. Setting it raises TypeError or ValueError as the constructor does."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = checks.non_negative("lr", value)

    def step(self, grads: Mapping[str, np.ndarray]) -> None:
        """Update the parameters in place. Raises ValueError if a gradient's name, shape or dtype does not fit."""
        grads = checks.gradients(grads, self._p, self._shapes, self.native)
        self.t += 1
        for name, p in self._p.items():
            self._update(p, *(self._state[moment][name] for moment in self.moments), grads[name])

    def state(self) -> dict[str, np.ndarray]:
        """The moments by name, "m.wte" and so on; with `t` they are all that a resumed run needs."""
        return {f"{moment}.{name}": a for moment, arrays in self._state.items() for name, a in arrays.items()}

    def load_state(self, arrays: Mapping[str, np.ndarray], t: int) -> None:
        """Overwrite the moments and the count of steps. Raises ValueError if a name or shape does not fit."""
        state = self.state()
        checks.named_arrays("optimizer state", arrays, {name: tuple(a.shape) for name, a in state.items()})
        for name, array in state.items():
            self.copy_into(array, arrays[name])
        self.t = checks.count("t", t)


class SGD(Optimizer):
    """p = p - lr (g + weight_decay p)        (Robbins and Monro 1951; as torch.optim.SGD without momentum)

    Raises ValueError or TypeError on an lr or weight_decay that is not a finite number from 0.
    """

    def __init__(
        self,
        parameters: Mapping[str, np.ndarray],
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        precision: str = "native",
    ) -> None:
        super().__init__(parameters, lr, weight_decay, precision)

    def _update(self, p: np.ndarray, g: np.ndarray) -> None:
        self.ops.sgd_step(p, g, self.lr, self.weight_decay)


class AdamW(Optimizer):
    """Adam with decoupled weight decay and bias correction        (Loshchilov and Hutter 2019; as torch.optim.AdamW)

    Every parameter decays. Raises ValueError or TypeError on settings that are not finite numbers from 0, or betas
    outside [0, 1).
    """

    moments = ("m", "v")

    def __init__(
        self,
        parameters: Mapping[str, np.ndarray],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        precision: str = "native",
    ) -> None:
        super().__init__(parameters, lr, weight_decay, precision)
        self.beta1, self.beta2 = _decay_rates(betas)
        self.eps = checks.non_negative("eps", eps)

    def __repr__(self) -> str:
        return described(self, betas=(self.beta1, self.beta2))

    def _update(self, p: np.ndarray, m: np.ndarray, v: np.ndarray, g: np.ndarray) -> None:
        settings = (self.t, self.lr, self.beta1, self.beta2, self.eps, self.weight_decay)
        self.ops.adamw_step(p, m, v, g, *settings)


def _decay_rates(betas: object) -> tuple[float, float]:
    """Return Adam's (beta1, beta2). Raises TypeError unless it is a pair, ValueError unless both lie in [0, 1)."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"betas must be a pair of numbers (beta1, beta2); got {betas!r}")
    beta1, beta2 = (checks.below_one(f"beta{i}", beta) for i, beta in enumerate(betas, start=1))
    return beta1, beta2


class NoOptimizer:
    """Leaves the parameters as they are: for a model that is counted, not trained."""

    t = 0

    @property
    def lr(self) -> float:
        """Nothing is learned at any rate."""
        return 0.0

    @lr.setter
    def lr(self, value: float) -> None:
        pass

    def step(self, grads: Mapping[str, np.ndarray]) -> None:
        """Do nothing."""

    def state(self) -> dict[str, np.ndarray]:
        """There is none."""
        return {}

    def load_state(self, arrays: Mapping[str, np.ndarray], t: int) -> None:
        """Raises ValueError if there is any, for there is no place for it."""
        checks.named_arrays("optimizer state", arrays, {})
