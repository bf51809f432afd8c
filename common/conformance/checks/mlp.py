"""The MLP: its loss, intermediates and gradients against the oracle, and the mistakes that a cache can cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from nnz.backend import initial
from nnz.numbers.rng import RNG

from ..bounds.compare import Measurement
from ..cases.mlp import drawn_mlp_sizes, random_batch, random_mlp_case, random_parameters
from ..cases.ops import draw_sizes
from ..cases.wide import some
from .backend_under_test import Array, BackendUnderTest, Wrong, as_array
from .model_under_test import GRADIENTS, Model, compare_with_oracle
from .ops import Measured

RECIPE = {"V": 27, "T": 3, "E": 48, "H": 512, "B": 131}  # the recipe `names`, and more rows than 128
ONES = ({"B": 1}, {"T": 1}, {"E": 1}, {"H": 1}, {"V": 2}, {"B": 1, "T": 1, "E": 1, "H": 1, "V": 2})
FEW_TERMS = 16  # of a sum
FEW = 3  # rounds, where the result does not depend on the numbers
LARGE, SEED = 128, 2**40 + 1337  # more than 32 bits
BEYOND = 300  # 8 bits
OVERWRITTEN = "the batch was overwritten after the forward, and backward used what it is now; copy it in the forward"
INTERMEDIATES = ("emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb")


def loss_and_gradients(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Random sizes, weights and batches: logits, loss and the five gradients."""
    for _ in range(rounds):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(backend, sizes, dtype, parameters)
        yield compare_with_oracle(model.step(*batch), parameters, batch, dtype)


def recipe_size(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """One batch at the size that is trained; T2 allows for sums of 512 terms."""
    yield _of_sizes(backend, dtype, rng, RECIPE)


def any_size(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Every size log-uniform to 2,000, and each far beyond 8 bits in turn; where one is small, by T1 alone, as sums of
    few terms may cancel."""
    far = some(rng, rounds, (draw_sizes(rng) | {name: BEYOND} for name in "BTEHV"))
    for sizes in [drawn_mlp_sizes(rng) for _ in range(rounds)] + far:
        shown = ", ".join(f"{name} = {n}" for name, n in sizes.items())
        found = _of_sizes(backend, dtype, rng, sizes)
        if min(sizes["B"], sizes["T"] * sizes["E"], sizes["H"], sizes["V"]) < FEW_TERMS:
            found = [m.by_t1_alone() for m in found]
        yield [m if m.ok else replace(m, reason=f"{m.reason}, with {shown}") for m in found]


def _of_sizes(
    backend: BackendUnderTest, dtype: str, rng: np.random.Generator, sizes: dict[str, int]
) -> list[Measurement]:
    parameters, batch = random_parameters(rng, sizes, 0.5, dtype), random_batch(rng, sizes, sizes["B"])
    actual = Model(backend, sizes, dtype, parameters).step(*batch)
    return compare_with_oracle(actual, parameters, batch, dtype, any_size=True)


def sizes_of_one(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """B, T, E and H of 1 and V of 2, each alone and all at once; by T1 alone, as sums may cancel in so few numbers."""
    for ones in ONES:
        sizes = draw_sizes(rng) | ones
        parameters, batch = random_parameters(rng, sizes, 0.5, dtype), random_batch(rng, sizes, sizes["B"])
        found = compare_with_oracle(Model(backend, sizes, dtype, parameters).step(*batch), parameters, batch, dtype)
        yield _renamed([m.by_t1_alone() for m in found], f"{', '.join(f'{k} = {n}' for k, n in ones.items())}: ")


def layouts_of_ids(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """int32 and int64 ids in contiguous, strided and column-major arrays."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(backend, sizes, dtype, parameters)
        for kind in (np.int64, np.int32):
            for layout in (np.array, np.asfortranarray, partial(_strided, V=sizes["V"])):
                given = [layout(ids.astype(kind)) for ids in batch]
                yield compare_with_oracle(model.step(*given), parameters, batch, dtype)


def intermediates(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The tensors between weights and gradients, by name."""
    for _ in range(rounds):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(backend, sizes, dtype, parameters)
        model.forward(*batch)
        tensors = model.intermediates()
        if missing := [name for name in INTERMEDIATES if name not in tensors]:
            raise Wrong(f"intermediates() does not return {missing[0]}")
        yield compare_with_oracle(tensors, parameters, batch, dtype)


def from_the_seed(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The weights that nnz.RNG draws, to the bit, and the first loss with them."""
    for _ in range(min(rounds, FEW)):
        sizes, _, *batch = random_mlp_case(rng, dtype)
        model = Model(backend, sizes, dtype, seed=SEED)
        shapes = initial.mlp_shapes(*(sizes[letter] for letter in "VTEH"))
        expected = initial.mlp_parameters(shapes, RNG(SEED), dtype)
        if list(model.own_parameters()) != list(shapes):
            raise Wrong(f"parameters() must be in the order {', '.join(shapes)}")
        for name, found in model.parameters().items():
            if found.shape != expected[name].shape:
                raise Wrong(f"{name} has the shape {found.shape}; it must have {expected[name].shape}")
            if len(wrong := np.argwhere(found.view(f"u{found.itemsize}") != expected[name].view(f"u{found.itemsize}"))):
                place, (drawn, right) = tuple(wrong[0]), (float(a[tuple(wrong[0])]) for a in (found, expected[name]))
                shown = f"{name}[{', '.join(map(str, place))}] is {drawn!r}; nnz.RNG({SEED}) draws {right!r}"
                raise Wrong(f"{shown} ({len(wrong):,} of {found.size:,} numbers differ)")
        yield compare_with_oracle(model.step(*batch), expected, batch, dtype)


def backward_twice(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """A second backward() returns the same gradients as the first, to the bit."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(backend, sizes, dtype, parameters)
        model.forward(*batch)
        first = {name: np.array(as_array(name, g, dtype)) for name, g in model.gradients().items()}
        second = model.gradients()
        for name in GRADIENTS:
            if not np.array_equal(first[name], as_array(name, second[name], dtype)):
                raise Wrong(f"the second backward() returns another {name}")
        yield compare_with_oracle(second, parameters, batch, dtype)


def small_after_large(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """B = 1 after B = 128: no stale cache, and the small batch does not overwrite the results of the large one."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *_ = random_mlp_case(rng, dtype)
        model = Model(backend, sizes, dtype, parameters)
        large, small = (random_batch(rng, sizes, B) for B in (LARGE, 1))
        first = model.step(*large)
        yield _renamed(compare_with_oracle(model.step(*small), parameters, small, dtype), "B = 1: ")
        yield _renamed(compare_with_oracle(first, parameters, large, dtype), "B = 128: ")


def arguments_unchanged(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """The batch is not written to, and may be overwritten between forward and backward, as data loaders do."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model, given = Model(backend, sizes, dtype, parameters), [ids.astype(np.int32) for ids in batch]
        logits, loss = model.forward(*given)
        for ids in given:
            ids[...] = 0
        actual = {"logits": logits, "loss": loss, **model.gradients()}
        found = compare_with_oracle(actual, parameters, batch, dtype)
        if not all(m.ok for m in found) and all(m.ok for m in _left_alone(model, batch, parameters, dtype)):
            raise Wrong(OVERWRITTEN)
        yield found


def _left_alone(model: Model, batch: list[Array], parameters: dict[str, Array], dtype: str) -> list[Measurement]:
    """The same batch, which nobody overwrites."""
    return compare_with_oracle(model.step(*batch), parameters, batch, dtype)


def without_targets(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Without targets the loss is None, the logits are those of the oracle, and backward has nothing to go back from:
    it raises RuntimeError, though there was a batch with targets before."""
    for _ in range(min(rounds, FEW)):
        sizes, parameters, *batch = random_mlp_case(rng, dtype)
        model = Model(backend, sizes, dtype, parameters)
        for first in (True, False):
            logits, loss = model.forward(batch[0])
            if loss is not None:
                raise Wrong(f"without targets the loss must be None; it is {loss!r}")
            yield compare_with_oracle({"logits": logits}, parameters, batch, dtype)
            refuses_backward(backend, model)
            if first:
                yield compare_with_oracle(model.step(*batch), parameters, batch, dtype)


def refuses_backward(backend: BackendUnderTest, model: Model) -> None:
    """Pass if backward raises RuntimeError, as it must after a forward without targets, and before any."""
    try:
        backend.refuses(backend.find("backward", model.mlp), RuntimeError)
    except Wrong as wrong:
        raise Wrong(f"backward() after a forward without targets: {wrong}") from wrong


def refuses_bad_ids(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """ValueError for an id of -1, V or 2^32 anywhere, TypeError for ids that are not integers; no effect after it."""
    sizes, parameters, inputs, targets = random_mlp_case(rng, dtype)
    model = Model(backend, sizes, dtype, parameters)
    yield compare_with_oracle(model.step(inputs, targets), parameters, (inputs, targets), dtype)
    for bad, kind in product((-1, sizes["V"], 2**32), (np.int64, np.int32)):
        if bad <= np.iinfo(kind).max:
            for one in _each_with_one(rng, inputs.astype(kind), bad):
                backend.refuses(model.mlp, ValueError, one, targets.astype(kind))
            for one in _each_with_one(rng, targets.astype(kind), bad):
                backend.refuses(model.mlp, ValueError, inputs.astype(kind), one)
    backend.refuses(model.mlp, TypeError, inputs + 0.5, targets)
    yield compare_with_oracle(model.step(inputs, targets), parameters, (inputs, targets), dtype)


def _each_with_one(rng: np.random.Generator, ids: Array, bad: int) -> Iterator[Array]:
    """Copies of the ids, each with one bad id at a random place."""
    for place in rng.choice(ids.size, min(FEW, ids.size), replace=False):
        spoiled = ids.copy()
        spoiled.flat[place] = bad
        yield spoiled


def _strided(ids: Array, V: int) -> Array:
    """The same ids as every second entry of an array; the entries between them are other ids."""
    wide = np.repeat(V - 1 - ids, 2, axis=-1)
    wide[..., ::2] = ids
    return wide[..., ::2]


def _renamed(measurements: list[Measurement], prefix: str) -> list[Measurement]:
    return [replace(m, name=prefix + m.name) for m in measurements]
