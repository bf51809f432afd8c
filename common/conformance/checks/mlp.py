"""The MLP: its loss, intermediates and gradients against the oracle, and what a cache can get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from nnz.backend import initial
from nnz.numbers.rng import RNG

from ..bounds.compare import Measurement
from ..cases.draws import draw_sizes, draw_tokens
from ..cases.mlp import random_mlp_case, random_parameters
from .backend_under_test import Array, Subject, Wrong, as_array
from .measuring import proof_alone
from .model_under_test import GRADIENTS, Model, against_oracle

RECIPE = {"V": 27, "T": 3, "E": 48, "H": 512, "B": 131}  # the recipe `names`, and more rows than 128
ONES = ({"B": 1}, {"T": 1}, {"E": 1}, {"H": 1}, {"V": 2}, {"B": 1, "T": 1, "E": 1, "H": 1, "V": 2})
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


def recipe_size(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """One batch at the size that is trained; the logits by T1 alone, as one of 512 terms may round to 25 u."""
    parameters, batch = random_parameters(rng, RECIPE, 0.5, dtype), _batch(rng, RECIPE, RECIPE["B"])
    found = against_oracle(Model(subject, RECIPE, dtype, parameters).step(*batch), parameters, batch, dtype)
    yield [proof_alone(m) if m.name == "logits" else m for m in found]


def sizes_of_one(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """B, T, E and H of 1 and V of 2, each alone and all at once; by T1 alone, as sums may cancel in so few numbers."""
    for ones in ONES:
        sizes = draw_sizes(rng) | ones
        parameters, batch = random_parameters(rng, sizes, 0.5, dtype), _batch(rng, sizes, sizes["B"])
        found = against_oracle(Model(subject, sizes, dtype, parameters).step(*batch), parameters, batch, dtype)
        yield _renamed([proof_alone(m) for m in found], f"{', '.join(f'{k} = {n}' for k, n in ones.items())}: ")


def layouts_of_ids(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """int32 and int64 ids that lie side by side, with others between them, and column after column."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(subject, sizes, dtype, parameters)
        for kind in (np.int64, np.int32):
            for lay in (np.array, np.asfortranarray, partial(_strided, V=sizes["V"])):
                given = [lay(ids.astype(kind)) for ids in batch]
                yield against_oracle(model.step(*given), parameters, batch, dtype)


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
        if list(model.own_parameters()) != list(shapes):
            raise Wrong(f"parameters() must be in the order {', '.join(shapes)}")
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
    """ValueError for an id of -1, V or 2^32 anywhere, TypeError for no integer; and it computes as before after it."""
    sizes, parameters, inputs, targets = random_mlp_case(rng, dtype)
    model = Model(subject, sizes, dtype, parameters)
    yield against_oracle(model.step(inputs, targets), parameters, (inputs, targets), dtype)
    for bad, kind in product((-1, sizes["V"], 2**32), (np.int64, np.int32)):
        if bad <= np.iinfo(kind).max:
            for one in _each_with_one(rng, inputs.astype(kind), bad):
                subject.refuses(model.mlp, ValueError, one, targets.astype(kind))
            for one in _each_with_one(rng, targets.astype(kind), bad):
                subject.refuses(model.mlp, ValueError, inputs.astype(kind), one)
    subject.refuses(model.mlp, TypeError, inputs + 0.5, targets)
    yield against_oracle(model.step(inputs, targets), parameters, (inputs, targets), dtype)


def _batch(rng: np.random.Generator, sizes: dict[str, int], B: int) -> tuple[Array, Array]:
    inputs = draw_tokens(rng, (max(B, 4), sizes["T"]), sizes["V"])[:B]
    return inputs, draw_tokens(rng, (max(B, 4),), sizes["V"])[:B]


def _each_with_one(rng: np.random.Generator, ids: Array, bad: int) -> Iterator[Array]:
    """Copies of the ids, each with one that is bad, at a random place."""
    for place in rng.choice(ids.size, min(FEW, ids.size), replace=False):
        spoiled = ids.copy()
        spoiled.flat[place] = bad
        yield spoiled


def _strided(ids: Array, V: int) -> Array:
    """The same ids as every other one of an array; those between them are ids too, but wrong."""
    wide = np.repeat(V - 1 - ids, 2, axis=-1)
    wide[..., ::2] = ids
    return wide[..., ::2]


def _renamed(measurements: list[Measurement], prefix: str) -> list[Measurement]:
    return [replace(m, name=prefix + m.name) for m in measurements]
