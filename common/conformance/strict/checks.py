"""What is asked of a backend in strict float32: every bit of the strict oracle's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..bounds.derived import OUTPUTS
from ..cases.mlp import random_mlp_case
from ..cases.strict_ops import strict_cases
from ..checks.backend_under_test import Array, Subject, Wrong, as_array
from ..checks.error_walks import Pair
from ..checks.mlp import INTERMEDIATES
from ..checks.model_under_test import Model
from ..checks.ops import UNLESS_DRAWN, Check, call_op, fits
from ..checks.optimizers import DECAYS, RATES, SHAPES, injected
from ..oracle import strict_ops as oracle
from .bits import Agreement, agreement

Agreements = Iterator[list[Agreement]]
DTYPE = "float32"
ANY_ZERO = {"tanh_backward": ("dx",), "batch_norm_backward": ("dx",), "mlp": ("dh_pre",)}  # see docs: no sum, no sign
FEW = 3  # rounds: exact arithmetic is slow, and each has thousands of numbers


def op_check(name: str) -> Check:
    """The check of `nn.ops.<name>` on the random and the built cases, a few draws of each."""

    def check(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Agreements:
        function = subject.find(f"ops.{name}")
        for _ in range(min(rounds, FEW)):
            for drawn in strict_cases(name, rng):
                case = {**UNLESS_DRAWN.get(name, {}), **drawn}
                if fits(name, case):
                    with np.errstate(all="ignore"):
                        result = getattr(oracle, name)(**case)
                    expected = dict(zip(OUTPUTS[name], result if isinstance(result, tuple) else (result,), strict=True))
                    yield agreements(call_op(subject, function, name, case), expected, ANY_ZERO.get(name, ()))

    return check


def agreements(
    actual: Mapping[str, Any], expected: Mapping[str, Array], any_zero: tuple[str, ...] = ()
) -> list[Agreement]:
    """Compare every tensor that is due. Raises Wrong for one that is left out, or that nobody asked for."""
    if strange := sorted(set(map(str, actual)) ^ set(expected)):
        raise Wrong(f"it {'left out' if strange[0] in expected else 'gave what nobody asked for:'} {strange[0]}")
    return [agreement(k, as_array(k, actual[k], DTYPE), due, k in any_zero) for k, due in expected.items()]


def layer_agreements(actual: dict[str, Any], due: dict[str, Pair], dtype: str) -> list[Agreement]:
    """What a layer gave against what StrictWalk met."""
    return agreements(actual, {name: np.asarray(value, np.float32) for name, (value, _) in due.items()}, ("dx",))


def mlp(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Agreements:
    """Random sizes, weights and batches: every tensor from the embeddings to the gradients."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, DTYPE)
        model = Model(subject, sizes, DTYPE, parameters)
        actual, expected = model.step(*batch), oracle.mlp(parameters, *batch)
        due = {name: expected[name] for name in actual}
        yield agreements(actual, due)
        between = {name: expected[name] for name in INTERMEDIATES}
        yield agreements({k: v for k, v in model.intermediates().items() if k in between}, between, ANY_ZERO["mlp"])


def rows_alone(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Agreements:
    """The logits of a row are the oracle's, bit by bit, alone, at another place, and beside any other rows."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, inputs, targets = random_mlp_case(rng, DTYPE)
        model = Model(subject, sizes, DTYPE, parameters)
        logits = oracle.mlp(parameters, inputs, targets)["logits"]
        order = rng.permutation(len(inputs))
        alone = np.concatenate([_logits(model, inputs[i : i + 1]) for i in range(len(inputs))])
        yield [
            agreement("alone", alone, logits),
            agreement("at another place", _logits(model, inputs[order]), logits[order]),
            agreement("in a larger batch", _logits(model, np.tile(inputs, (9, 1))), np.tile(logits, (9, 1))),
        ]


def _logits(model: Model, inputs: Array) -> Array:
    return np.array(as_array("logits", model.forward(inputs)[0], DTYPE))


def optimizer_object(name: str) -> Check:
    """The check of nn.SGD or nn.AdamW over several steps, its lr set before each: parameters, and moments by name."""

    def check(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Agreements:
        for decay in DECAYS:
            parameters = {k: rng.normal(size=shape).astype(DTYPE) for k, shape in SHAPES.items()}
            expected = {k: [p.copy(), *(np.zeros_like(p) for _ in _moments(name))] for k, p in parameters.items()}
            optimizer = subject.call(subject.find(name), parameters, lr=1.0, weight_decay=decay, updates=1)
            for t, lr in enumerate(RATES, start=1):
                gradients = {k: injected(rng, shape, DTYPE) for k, shape in SHAPES.items()}
                subject.call(setattr, optimizer, "lr", lr)
                subject.call(subject.find("step", optimizer), gradients)
                for k, g in gradients.items():
                    expected[k] = _stepped(name, expected[k], g, t, lr, decay)
                found = {**parameters, **subject.call(subject.find("state", optimizer))}
                due = {k: p for k, (p, *_) in expected.items()}
                for place, moment in enumerate(_moments(name), start=1):
                    due |= {f"{moment}.{k}": arrays[place] for k, arrays in expected.items()}
                yield agreements(found, due)

    return check


def _moments(name: str) -> tuple[str, ...]:
    return ("m", "v") if name == "AdamW" else ()


def _stepped(name: str, arrays: list[Array], g: Array, t: int, lr: float, decay: float) -> list[Array]:
    if name == "SGD":
        return [oracle.sgd_step(*arrays, g, lr, decay)]
    return list(oracle.adamw_step(*arrays, g, t, lr, 0.9, 0.999, 1e-8, decay))
