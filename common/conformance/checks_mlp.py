"""The MLP: its loss, intermediates and gradients against the oracle, and what a cache can get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nnz import initial
from nnz.rng import RNG

from .cases import random_mlp_case
from .compare import Measurement
from .draws import draw_tokens
from .model_under_test import GRADIENTS, Model, against_oracle
from .subject import Array, Subject, Wrong, as_array

FEW = 3  # draws are enough where what is asked does not depend on the numbers
LARGE, SEED = 128, 1337
INTERMEDIATES = ("emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb")
Measured = Iterator[list[Measurement]]


def loss_and_gradients(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Random sizes, weights and batches: logits, loss and the five gradients."""
    for _ in range(rounds):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(subject, sizes, dtype, parameters)
        yield against_oracle(model.step(*batch), parameters, batch, dtype)


def intermediates(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """What lies between weights and gradients, by name."""
    for _ in range(rounds):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(subject, sizes, dtype, parameters)
        model.forward(*batch)
        tensors = model.intermediates()
        if missing := [name for name in INTERMEDIATES if name not in tensors]:
            raise Wrong(f"intermediates() left out {missing[0]}")
        yield against_oracle(tensors, parameters, batch, dtype)


def from_the_seed(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The weights that nnz.RNG draws, to the bit, and the first loss with them."""
    for _ in range(min(rounds, FEW)):
        sizes, _, *batch = random_mlp_case(rng, dtype)
        model = Model(subject, sizes, dtype, seed=SEED)
        shapes = initial.mlp_shapes(*(sizes[letter] for letter in "VTEH"))
        expected = initial.mlp_parameters(shapes, RNG(SEED), dtype)
        for name, found in model.parameters().items():
            if found.shape != expected[name].shape or found.tobytes() != expected[name].tobytes():
                raise Wrong(f"{name} is not what nnz.RNG({SEED}) draws for it")
        yield against_oracle(model.step(*batch), expected, batch, dtype)


def backward_twice(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """A second backward() gives the first one's answer again, to the bit."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(subject, sizes, dtype, parameters)
        model.forward(*batch)
        first = {name: np.array(as_array(name, g, dtype)) for name, g in model.gradients().items()}
        second = model.gradients()
        for name in GRADIENTS:
            if not np.array_equal(first[name], as_array(name, second[name], dtype)):
                raise Wrong(f"the second backward() gives another {name}")
        yield against_oracle(second, parameters, batch, dtype)


def small_after_large(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """B = 1 after B = 128: no stale cache; and what the large batch gave is not overwritten by the small one."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *_ = random_mlp_case(rng, dtype)
        model = Model(subject, sizes, dtype, parameters)
        large, small = (_batch(rng, sizes, B) for B in (LARGE, 1))
        kept = model.step(*large)
        yield _renamed(against_oracle(model.step(*small), parameters, small, dtype), "B = 1: ")
        yield _renamed(against_oracle(kept, parameters, large, dtype), "B = 128: ")


def arguments_unchanged(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The batch is not written to, and may be overwritten between forward and backward, as data loaders do."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model, given = Model(subject, sizes, dtype, parameters), [ids.astype(np.int32) for ids in batch]
        logits, loss = model.forward(*given)
        for ids in given:
            ids[...] = 0
        yield against_oracle({"logits": logits, "loss": loss, **model.gradients()}, parameters, batch, dtype)


def without_targets(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Without targets the loss is None, and the logits are those of the oracle."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        logits, loss = Model(subject, sizes, dtype, parameters).forward(batch[0])
        if loss is not None:
            raise Wrong(f"without targets the loss must be None; it is {loss!r}")
        yield against_oracle({"logits": logits}, parameters, batch, dtype)


def refuses_bad_ids(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """ValueError for an id of -1 or V, TypeError for one that is no integer; and it computes as before after it."""
    sizes, parameters, inputs, targets = random_mlp_case(rng, dtype)
    model = Model(subject, sizes, dtype, parameters)
    yield against_oracle(model.step(inputs, targets), parameters, (inputs, targets), dtype)
    for bad in (-1, sizes["V"]):
        subject.refuses(model.mlp, ValueError, _with_last(inputs, bad), targets)
        subject.refuses(model.mlp, ValueError, inputs, _with_last(targets, bad))
    subject.refuses(model.mlp, TypeError, inputs + 0.5, targets)
    yield against_oracle(model.step(inputs, targets), parameters, (inputs, targets), dtype)


def _batch(rng: np.random.Generator, sizes: dict[str, int], B: int) -> tuple[Array, Array]:
    inputs = draw_tokens(rng, (max(B, 4), sizes["T"]), sizes["V"])[:B]
    return inputs, draw_tokens(rng, (max(B, 4),), sizes["V"])[:B]


def _with_last(ids: Array, bad: int) -> Array:
    ids = ids.copy()
    ids.flat[-1] = bad
    return ids


def _renamed(measurements: list[Measurement], prefix: str) -> list[Measurement]:
    return [replace(m, name=prefix + m.name) for m in measurements]
