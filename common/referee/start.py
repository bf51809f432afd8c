"""What a training begins with: the documents in their order, their tokens, and the first weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from .draws import GENERATORS, Generator, normals, shuffle
from .variant import Variant

WIDTH, HIDDEN = 16, 64


@dataclass(frozen=True, eq=False)
class Names:
    """The lines of the data file."""

    lines: Sequence[str]

    @cached_property
    def characters(self) -> list[str]:
        """The distinct ones, sorted."""
        return sorted({*"".join(self.lines)})


@dataclass(frozen=True, eq=False)
class Drawn:
    """What the generator gave: the documents shuffled, and standard normals for the weights."""

    documents: Sequence[str]
    generator: Generator  # after all
    normals: np.ndarray

    @cached_property
    def characters(self) -> list[str]:
        """The distinct ones in the order of their first appearance."""
        return list(dict.fromkeys("".join(self.documents)))


class Start:
    """The shuffled documents as tokens, and the first weights by name.

    Only what depends on the shuffle and the generator is drawn once for all variants that share it.
    """

    def __init__(self, names: Names, variant: Variant) -> None:
        v = variant
        self.vocab_size = len(names.characters) + 1
        matrices = shapes(self.vocab_size, v)
        size = sum(rows * columns for rows, columns in matrices.values())
        sources = v.generator, v.weights_generator, v.weights_first, v.normal
        self._drawn, self._variant = _draw(names, v.seed, v.shuffle, *sources, size), v
        characters = names.characters if v.order_of_tokens == "sorted" else self._drawn.characters
        self.characters = ["", *characters] if v.bos_first else [*characters, ""]  # by token; that of BOS is empty
        self._ids = {character: i for i, character in enumerate(self.characters)}
        self.weights = _weights(self._drawn.normals, matrices, v)

    @property
    def bos(self) -> int:
        return self._ids[""]

    @property
    def generator(self) -> Generator:
        """As it is after all draws; who goes on drawing takes a copy."""
        return self._drawn.generator

    def tokens(self, step: int) -> list[int]:
        """The tokens of the document of a step, counted from 0: BOS, its characters, BOS."""
        documents, v = self._drawn.documents, self._variant
        document = documents[(step + v.first_document) % len(documents)]
        tokens = [self._ids[character] for character in document]
        return [self.bos] * v.starts_with_bos + tokens + [self.bos] * v.ends_with_bos


def shapes(vocab_size: int, variant: Variant) -> dict[str, tuple[int, int]]:
    """The matrices in the order in which they are drawn: rows are outputs, or tokens, or positions."""
    known = {"wte": (vocab_size, WIDTH), "wpe": (variant.context, WIDTH), "lm_head": (vocab_size, WIDTH)}
    known |= {"fc1": (HIDDEN, WIDTH), "fc2": (WIDTH, HIDDEN)}
    order = variant.order_of_weights.split()
    return {name: known.get(name, (WIDTH, WIDTH)) for name in order if name != "lm_head" or variant.tied != "dropped"}


def _weights(z: np.ndarray, matrices: dict[str, tuple[int, int]], v: Variant) -> dict[str, np.ndarray]:
    weights, place = {}, 0
    for name, (rows, columns) in matrices.items():
        drawn, place = z[place : place + rows * columns], place + rows * columns
        matrix = drawn.reshape(columns, rows).T if v.by_columns else drawn.reshape(rows, columns)
        weights[name] = (matrix * (0.0 if name in v.zero_weights.split() else v.std)).astype(v.dtype)
    if v.tied:
        weights.pop("lm_head", None)
    return weights if v.channels == "as drawn" else _reordered(weights, v)


def _reordered(weights: dict[str, np.ndarray], v: Variant) -> dict[str, np.ndarray]:
    """The same model with its channels, heads and hidden units in another order: only sums are rounded otherwise."""
    if v.channels == "backward":
        outer = inner = np.arange(WIDTH)[::-1]
        hidden = np.arange(HIDDEN)[::-1]
    else:
        rng = np.random.default_rng(0)
        outer, hidden = rng.permutation(WIDTH), rng.permutation(HIDDEN)
        heads = np.arange(WIDTH).reshape(v.heads, -1)
        inner = rng.permuted(heads, axis=1)[rng.permutation(v.heads)].ravel()
    rows = dict.fromkeys(("wq", "wk", "wv"), inner) | {"wo": outer, "fc1": hidden, "fc2": outer}
    columns = {"wo": inner, "fc2": hidden}
    return {
        name: np.ascontiguousarray(w[rows.get(name, slice(None))][:, columns.get(name, outer)])
        for name, w in weights.items()
    }


@lru_cache(maxsize=1024)
def _draw(
    names: Names,
    seed: int,
    how: str,
    source: str,
    other: str,
    first: bool,
    normal: str,
    size: int,
) -> Drawn:
    """Shuffle with the generator `source`, and draw `size` normals with it or with the `other`, `first` or after."""
    generator = GENERATORS[source](seed)
    if first and not other:
        z = normals(generator, normal, size)
        return Drawn(*_shuffled(names, how, generator), z)
    documents, generator = _shuffled_once(names, how, seed, source)
    generator = copy.deepcopy(generator)
    return Drawn(documents, generator, normals(GENERATORS[other](seed) if other else generator, normal, size))


@lru_cache(maxsize=64)
def _shuffled_once(names: Names, how: str, seed: int, source: str) -> tuple[Sequence[str], Generator]:
    return _shuffled(names, how, GENERATORS[source](seed))


def _shuffled(names: Names, how: str, generator: Generator) -> tuple[Sequence[str], Generator]:
    """The documents, and the generator after their shuffle."""
    documents = [*names.lines]
    shuffle(documents, generator, how)
    return documents, generator
