"""The GPT: its loss and gradients against the oracle, with every switch, and the mistakes that a cache can cause."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np

from nnz.backend import initial
from nnz.numbers.rng import RNG

from ..cases.gpt import DROPPED, random_gpt_batch, random_gpt_case
from .backend_under_test import BackendUnderTest, NotThere, Wrong, as_array
from .gpt_model import SEED, Model, compared
from .ops import Measured

FEW = 3  # rounds, where the result does not depend on the numbers
STEPS = 3  # of dropout, one after the other
DEEP = 6  # blocks
LARGE = 31  # rows


def loss_and_gradients(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Random shapes, switches, weights and batches; the last of six blocks."""
    for number in range(rounds):
        case = random_gpt_case(rng, dtype, **({"n_layer": DEEP} if number == rounds - 1 else {}))
        actual = Model(backend, case, dtype).step(case.inputs, case.targets)
        yield compared(actual, case, dtype)


def with_dropout(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The masks of a seed, of each place in the model, and of each step; none in evaluation."""
    for _ in range(min(rounds, FEW)):
        case, seed = random_gpt_case(rng, dtype, **DROPPED), int(rng.integers(2**63))
        model = Model(backend, case, dtype, dropout_seed=seed)
        for step in range(STEPS):
            actual = model.step(case.inputs, case.targets)
            yield compared(actual, case, dtype, f"step {step}: ", **DROPPED, seed=seed, step=step)
        backend.call(backend.find("eval", model.gpt))
        logits, loss = model.forward(case.inputs, case.targets)
        yield compared({"logits": logits, "loss": loss}, case, dtype, "in evaluation: ")


def intermediates(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The tensors between weights and gradients by name, block by block, with dropout.

    They are of the last forward, whatever the weights have become since.
    """
    for _ in range(min(rounds, FEW)):
        case = random_gpt_case(rng, dtype, **DROPPED)
        model = Model(backend, case, dtype, dropout_seed=1)
        model.forward(case.inputs, case.targets)
        tensors = model.intermediates()
        if missing := [name for name in case.config.intermediates(*case.inputs.shape) if name not in tensors]:
            raise Wrong(f"intermediates() does not return {missing[0]}")
        found = compared(tensors, case, dtype, **DROPPED, seed=1, step=0)
        gradients = {name[1:]: gradient for name, gradient in model.gradients().items()}
        with suppress(NotThere):  # an optimizer is asked for elsewhere
            optimizer = backend.call(backend.find("AdamW"), model.own_parameters(), lr=1.0, updates=1)
            backend.call(backend.find("step", optimizer), gradients)
        after = {name: tensor for name, tensor in model.intermediates().items() if not name.startswith("d")}
        yield found + compared(after, case, dtype, "after a step: ", **DROPPED, seed=1, step=0)


def sizes_of_one(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """One row, one token, one head, one block, a context of one."""
    for changes in ({"n_layer": 1, "n_head": 1, "n_embd": 16}, {"context_length": 1}):
        case = random_gpt_case(rng, dtype, **changes)
        for B, T in ((1, None), (4, 1), (1, 1)):
            inputs, targets = random_gpt_batch(rng, case.config, B, T)
            case = replace(case, inputs=inputs, targets=targets)
            actual = Model(backend, case, dtype).step(inputs, targets)
            yield compared(actual, case, dtype, f"B = {B}, T = {inputs.shape[1]}: ")


def backward_twice(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """A second backward() returns the same gradients as the first; nor does it matter that the batch is overwritten."""
    for number in range(min(rounds, FEW)):
        case, kind = random_gpt_case(rng, dtype, **DROPPED), np.int64 if number % 2 else np.int32
        model = Model(backend, case, dtype, dropout_seed=1)
        inputs, targets = case.inputs.astype(kind), case.targets.astype(kind)
        model.forward(inputs, targets)
        inputs[...], targets[...] = 0, 0
        first = {name: np.array(as_array(name, g, dtype)) for name, g in model.gradients().items()}
        second = model.gradients()
        for name, gradient in second.items():
            if not np.array_equal(as_array(name, gradient, dtype), first[name]):
                raise Wrong(f"a second backward() gives another {name}")
        yield compared(second, case, dtype, **DROPPED, seed=1, step=0)


def small_after_large(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """A batch of many rows, then one of few and short ones: nothing of the first may be left in the second."""
    for _ in range(min(rounds, FEW)):
        case = random_gpt_case(rng, dtype)
        model = Model(backend, case, dtype)
        for B, T in ((LARGE, case.config.context_length), (2, 3), (LARGE, 2)):
            inputs, targets = random_gpt_batch(rng, case.config, B, T)
            case = replace(case, inputs=inputs, targets=targets)
            yield compared(model.step(inputs, targets), case, dtype, f"B = {B}, T = {T}: ")


def without_targets(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """logits without dropout, and None for the loss; then a backward() is refused."""
    for _ in range(min(rounds, FEW)):
        case = random_gpt_case(rng, dtype, **DROPPED)
        model = Model(backend, case, dtype)
        backend.refuses(backend.find("backward", model.gpt), RuntimeError)
        model.step(case.inputs, case.targets)
        logits, loss = model.forward(case.inputs)
        if loss is not None:
            raise Wrong(f"without targets the loss must be None; it is {loss!r}")
        backend.refuses(backend.find("backward", model.gpt), RuntimeError)
        yield compared({"logits": logits}, case, dtype)


def refuses_bad_ids(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """ValueError for an id of -1 or V and for a row longer than the context, TypeError for what is no integer."""
    case = random_gpt_case(rng, dtype)
    model, (inputs, targets) = Model(backend, case, dtype), (case.inputs, case.targets)
    longer = np.zeros((2, case.config.context_length + 1), np.int64)
    for bad in (-1, case.config.vocab_size, 2**32):
        spoiled = inputs.copy()
        spoiled.flat[int(rng.integers(spoiled.size))] = bad
        backend.refuses(model.gpt, ValueError, spoiled, targets)
        backend.refuses(model.gpt, ValueError, inputs, spoiled)
    for refused in ((longer,), (longer, longer), (inputs, targets[:, :-1]), (inputs[0],)):
        backend.refuses(model.gpt, ValueError, *refused)
    backend.refuses(model.gpt, TypeError, inputs + 0.5, targets)
    yield compared(model.step(inputs, targets), case, dtype)


def from_the_seed(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The names of the weights in their order, and what nnz.RNG draws for them, to the bit."""
    for _ in range(min(rounds, FEW)):
        case = random_gpt_case(rng, dtype)
        model = Model(backend, case, dtype, load=False)
        expected = initial.gpt_parameters(initial.gpt_shapes(case.config), RNG(SEED), dtype)
        found = backend.call(backend.find("parameters", model.gpt))
        if not isinstance(found, Mapping) or list(found) != list(expected):
            raise Wrong(f"parameters() must be a dict of {', '.join(expected)}, in this order")
        for name, array in expected.items():
            if np.array(as_array(name, found[name], dtype)).tobytes() != array.tobytes():
                raise Wrong(f"{name} differs from what nnz.RNG({SEED}) draws for it")
        yield compared(model.step(case.inputs, case.targets), replace(case, weights=expected), dtype)
