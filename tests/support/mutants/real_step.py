"""What a port is usually tested on: one real step of the recipe `names` from its initial weights.

Tensor by tensor: what the backend gives, what the oracle gives, and the derived bound on the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from nnz import RNG, load_dataset
from nnz.backend import initial
from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.derived import OptimizerBounds
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.oracle import mlp as oracle
from nnz.conformance.oracle import ops as oracle_ops
from nnz.conformance.strict.in_strict import in_strict

from .mutant import STRICT

Array = np.ndarray
Named = dict[str, Array]

SIZES = {"vocab_size": 27, "context_length": 3, "embedding_size": 48, "hidden_size": 512}
BATCH, SEED, STEPS = 128, 1337, 3
OPTIMIZERS = {"SGD": 0.1, "AdamW": 7e-4}  # by their learning rates
DECAY = 1e-4
NORM = {"training": True, "momentum": 0.1, "eps": 1e-5}  # a fresh layer


class Tensor(NamedTuple):
    """One tensor of the backend and the oracle's."""

    name: str
    actual: Any
    expected: Array
    bound: Array


class Case(NamedTuple):
    """The batch, the oracle's tensors and their bounds."""

    parameters: Named
    inputs: Array
    targets: Array
    expected: Named
    allowed: Named


@cache
def case(dtype: str) -> Case:
    """The first batch with the initial weights."""
    shapes = initial.mlp_shapes(**SIZES)
    parameters = initial.mlp_parameters(shapes, RNG(SEED), dtype)
    (batch,) = load_dataset("names").train.batches(SIZES["context_length"], BATCH, steps=1)
    wide = {name: p.astype(np.float64) for name, p in parameters.items()}
    return Case(parameters, *batch, oracle.mlp(wide, *batch), bounds.mlp_bounds(parameters, *batch, dtype))


def tensors(nn: ModuleType, dtype: str) -> Iterator[Tensor]:
    """The model's step, the same step op by op, a batch norm of its hidden layer, and three steps of each optimizer.

    In strict float32 the backend alone is strict: oracle and bounds are those of float32.
    """
    nn, dtype = (in_strict(BackendUnderTest(nn)).module, "float32") if dtype == STRICT else (nn, dtype)
    given = case(dtype)
    for way in (_by_the_model, _by_the_ops):
        for name, actual in way(nn, given, dtype).items():
            yield Tensor(name, actual, given.expected[name], given.allowed[name])
    yield from _batch_norm(nn, given, dtype)
    for name, lr in OPTIMIZERS.items():
        yield from _optimizer(nn, name, lr, given, dtype)


def _by_the_model(nn: ModuleType, given: Case, dtype: str) -> dict[str, Any]:
    model = nn.MLP(**SIZES, rng=RNG(SEED), dtype=dtype)
    logits, loss = model(given.inputs, given.targets)
    return {"logits": logits, "loss": loss, **{f"d{name}": g for name, g in model.backward().items()}}


def _by_the_ops(nn: ModuleType, given: Case, dtype: str) -> dict[str, Any]:
    """A backend may derive its backward from the forward; its own backward ops are seen here."""
    p, ids, ops = given.parameters, given.inputs, nn.ops
    emb = ops.embedding_forward(p["wte"], ids)
    x = emb.reshape(len(ids), -1)
    h = ops.tanh_forward(ops.linear_forward(x, p["fc1.weight"], p["fc1.bias"]))
    logits = ops.linear_forward(h, p["fc2.weight"], p["fc2.bias"])
    loss, probs = ops.cross_entropy_forward(logits, given.targets)
    d: dict[str, Any] = {}
    dlogits = ops.cross_entropy_backward(probs, given.targets)
    dh, d["dfc2.weight"], d["dfc2.bias"] = ops.linear_backward(dlogits, h, p["fc2.weight"])
    dh_pre = ops.tanh_backward(dh, h)
    dx, d["dfc1.weight"], d["dfc1.bias"] = ops.linear_backward(dh_pre, x, p["fc1.weight"])
    d["dwte"] = ops.embedding_backward(dx.reshape(emb.shape), ids, len(p["wte"]))
    return {"logits": logits, "loss": loss, **d}


def _batch_norm(nn: ModuleType, given: Case, dtype: str) -> Iterator[Tensor]:
    x, dy = (given.expected[name].astype(dtype) for name in ("h_pre", "dh"))
    one, zero = np.ones(x.shape[1], dtype), np.zeros(x.shape[1], dtype)
    forward = {"x": x, "weight": one, "bias": zero, "running_mean": zero, "running_var": one, **NORM}
    statistics = {"mean": x.mean(axis=0), "rstd": 1 / np.sqrt(x.var(axis=0) + dtype_of(x, NORM["eps"]))}
    for name, arguments in {
        "batch_norm_forward": forward,
        "batch_norm_backward": {"dy": dy, "x": x, **statistics, "weight": one},
    }.items():
        actual, limits = getattr(nn.ops, name)(*arguments.values()), bounds.op_bounds(name, arguments, dtype)
        expected = getattr(oracle, name)(**arguments)
        yield from map(Tensor, oracle_ops.OUTPUTS[name], actual, expected, limits.values())


def dtype_of(x: Array, value: float) -> Any:
    """The number in the dtype of x."""
    return x.dtype.type(value)


def _optimizer(nn: ModuleType, name: str, lr: float, given: Case, dtype: str) -> Iterator[Tensor]:
    """The parameters after each of three steps, with the same gradient for the backend and for the oracle."""
    parameters = {k: p.copy() for k, p in given.parameters.items()}
    gradients = {k: given.expected[f"d{k}"].astype(dtype) for k in parameters}
    optimizer, reference = getattr(nn, name)(parameters, lr=lr, weight_decay=DECAY), OptimizerBounds(name, dtype, DECAY)
    for step in range(1, STEPS + 1):
        before = {k: p.copy() for k, p in parameters.items()}
        optimizer.step(gradients)
        expected, allowed = reference.step(before, gradients, lr)
        for k, p in parameters.items():
            yield Tensor(f"{k} after step {step}", p.copy(), expected[k], allowed[k])
