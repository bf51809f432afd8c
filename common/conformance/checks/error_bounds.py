"""The oracle's optimizer beside the backend's: its moments, and how far honest ones may be from them by now."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..bounds import derived as bounds
from .backend_under_test import Array
from .ops import expected_outputs

# class -> (function of the oracle, its moments, its settings when only lr and weight_decay are given)
OPTIMIZERS: dict[str, tuple[str, tuple[str, ...], dict[str, float]]] = {
    "SGD": ("sgd_step", (), {}),
    "AdamW": ("adamw_step", ("m", "v"), {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
}


class Shadow:
    """Steps with the backend, from the backend's own parameters, so that only the moments carry an error on."""

    def __init__(self, name: str, dtype: str, weight_decay: float, **others: float) -> None:
        self.op_name, self.moments, settings = OPTIMIZERS[name]
        self.settings = {**settings, **others, "weight_decay": weight_decay}
        self.dtype, self.t = dtype, 0
        self.state: dict[str, dict[str, Array]] = {}
        self.errors: dict[str, dict[str, Array]] = {}

    def step(
        self, parameters: Mapping[str, Array], gradients: Mapping[str, Array], lr: float
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """(the parameters after the step, their bounds); both arguments are exact in the dtype."""
        self.t += 1
        after, allowed = {}, {}
        for name, p in parameters.items():
            state = self.state.get(name) or {moment: np.zeros_like(p) for moment in self.moments}
            arguments = {"p": p, "g": gradients[name], "lr": lr, **state, **self.settings}
            if self.moments:
                arguments["t"] = self.t
            limits = bounds.op_bounds(self.op_name, arguments | self.errors.get(name, {}), self.dtype)
            values = dict(zip(limits, expected_outputs(self.op_name, arguments), strict=True))
            after[name], allowed[name] = values["p"], limits["p"]
            self.state[name] = {moment: values[moment] for moment in self.moments}
            self.errors[name] = {f"{moment}_error": limits[moment] for moment in self.moments}
        return after, allowed
