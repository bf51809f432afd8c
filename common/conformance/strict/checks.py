"""The checks in strict float32: operations, layers, model and optimizers against the strict oracle, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..bounds.error_propagation import StrictPropagation, WithError
from ..cases.mlp import random_mlp_case
from ..cases.strict_ops import strict_cases
from ..checks.backend_under_test import Array, BackendUnderTest, Wrong, as_array
from ..checks.layers import layer_check
from ..checks.mlp import INTERMEDIATES
from ..checks.model_under_test import Model
from ..checks.ops import CheckFunction, call_op, complete
from ..checks.optimizers import DECAYS, RATES, SHAPES, random_gradients
from ..oracle import strict_gpt_ops
from ..oracle import strict_ops as oracle
from ..oracle.ops import by_name
from .bitwise import BitComparison, compare_bits

Compared = Iterator[list[BitComparison]]
DTYPE = "float32"
# Where the sign of a zero is free: docs/strict.md.
ANY_ZERO = {"relu_forward": ("y",), "attention_backward": ("dqkv",), "mlp": ("dh_pre",)}
ANY_ZERO |= {f"{op}_backward": ("dx",) for op in ("tanh", "batch_norm", "layer_norm", "rms_norm", "relu", "gelu")}
ANY_ZERO |= {"dropout_backward": ("dx",)}
ORACLE = vars(strict_gpt_ops) | vars(oracle)
FEW = 3  # rounds: exact arithmetic is slow, and each round has thousands of numbers


def op_check(name: str) -> CheckFunction:
    """The check of `nn.ops.<name>` on random cases and on cases that are hard to round."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
        function = backend.find(f"ops.{name}")
        for _ in range(min(rounds, FEW)):
            for case in complete(name, strict_cases(name, rng)):
                expected = by_name(name, ORACLE[name](**case))
                yield compare_all_bits(call_op(backend, function, name, case), expected, ANY_ZERO.get(name, ()))

    return check


def compare_all_bits(
    actual: Mapping[str, Any], expected: Mapping[str, Array], any_zero: tuple[str, ...] = ()
) -> list[BitComparison]:
    """Compare every expected tensor. Raises Wrong for one that is missing, or that was not asked for."""
    if wrong := sorted(set(map(str, actual)) ^ set(expected)):
        raise Wrong(f"it {'does not return' if wrong[0] in expected else 'returned, unasked,'} {wrong[0]}")
    return [compare_bits(k, as_array(k, actual[k], DTYPE), value, k in any_zero) for k, value in expected.items()]


def strict_layer_check(name: str) -> CheckFunction:
    """The check of `nn.<name>`, as in native precision, but bit by bit."""

    def compare(
        actual: dict[str, Any], expected: dict[str, WithError], dtype: str, terms: float
    ) -> list[BitComparison]:
        return compare_all_bits(actual, {k: np.asarray(v, np.float32) for k, (v, _) in expected.items()}, ("dx",))

    return layer_check(name, lambda dtype: StrictPropagation(), compare)


def mlp(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
    """Random sizes, weights and batches: every tensor from the embeddings to the gradients."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, DTYPE)
        model = Model(backend, sizes, DTYPE, parameters)
        actual, expected = model.step(*batch), oracle.mlp(parameters, *batch)
        yield compare_all_bits(actual, {name: expected[name] for name in actual})
        between = {name: expected[name] for name in INTERMEDIATES}
        yield compare_all_bits(
            {k: v for k, v in model.intermediates().items() if k in between}, between, ANY_ZERO["mlp"]
        )


def rows_alone(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
    """The logits of a row are the oracle's, bit by bit: alone, at another place, and in a larger batch."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, inputs, targets = random_mlp_case(rng, DTYPE)
        model = Model(backend, sizes, DTYPE, parameters)
        logits = oracle.mlp(parameters, inputs, targets)["logits"]
        order = rng.permutation(len(inputs))
        alone = np.concatenate([_logits(model, inputs[i : i + 1]) for i in range(len(inputs))])
        yield [
            compare_bits("alone", alone, logits),
            compare_bits("at another place", _logits(model, inputs[order]), logits[order]),
            compare_bits("in a larger batch", _logits(model, np.tile(inputs, (9, 1))), np.tile(logits, (9, 1))),
        ]


def _logits(model: Model, inputs: Array) -> Array:
    return np.array(as_array("logits", model.forward(inputs)[0], DTYPE))


def optimizer_object(name: str) -> CheckFunction:
    """The check of nn.SGD or nn.AdamW over several steps, lr set before each: parameters and moments."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
        for decay in DECAYS:
            parameters = {k: rng.normal(size=shape).astype(DTYPE) for k, shape in SHAPES.items()}
            expected = {k: [p.copy(), *(np.zeros_like(p) for _ in _moments(name))] for k, p in parameters.items()}
            optimizer = backend.call(backend.find(name), parameters, lr=1.0, weight_decay=decay, updates=1)
            for t, lr in enumerate(RATES, start=1):
                gradients = {k: random_gradients(rng, shape, DTYPE) for k, shape in SHAPES.items()}
                backend.call(setattr, optimizer, "lr", lr)
                backend.call(backend.find("step", optimizer), gradients)
                for k, g in gradients.items():
                    expected[k] = _stepped(name, expected[k], g, t, lr, decay)
                found = {**parameters, **backend.call(backend.find("state", optimizer))}
                right = {k: p for k, (p, *_) in expected.items()}
                for place, moment in enumerate(_moments(name), start=1):
                    right |= {f"{moment}.{k}": arrays[place] for k, arrays in expected.items()}
                yield compare_all_bits(found, right)

    return check


def _moments(name: str) -> tuple[str, ...]:
    return ("m", "v") if name == "AdamW" else ()


def _stepped(name: str, arrays: list[Array], g: Array, t: int, lr: float, decay: float) -> list[Array]:
    if name == "SGD":
        return [oracle.sgd_step(*arrays, g, lr, decay)]
    return list(oracle.adamw_step(*arrays, g, t, lr, 0.9, 0.999, 1e-8, decay))
