"""What strict ops are written in, against exact arithmetic: random numbers of every size, and cases made to be hard.

A few hundred cases of each; `make test-strict` takes CASES = 10,000.
"""

import ctypes
import os
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from support.built_program import built

from nnz.c import ops as in_c
from nnz.conformance.cases.strict import hard_products, hard_sums, random_float32s
from nnz.conformance.oracle import strict as oracle
from nnz.conformance.strict.bitwise import compare_bits
from nnz.numpy import correct_rounding as in_numpy
from nnz.torch import correct_rounding as in_torch

Array = np.ndarray
f32 = np.float32
CASES = int(os.environ.get("CASES", "300"))
STRICT = {"precision": "strict"}
SIGNS = {"+": "__add__", "-": "__sub__", "*": "__mul__", "/": "__truediv__"}
COPIES = {
    "c for this CPU": "build/strict_functions.so",
    "c for any CPU": "build/strict_any_cpu.so",
    "c by clang": "build/strict_clang.so",
}


def in_tensors(function: Callable) -> Callable:
    return lambda *given: function(*(torch.from_numpy(g) if isinstance(g, Array) else g for g in given)).numpy()


def by_ops(ops: SimpleNamespace) -> dict[str, Callable]:
    """The primitives that an op gives away."""

    def total(a: Array) -> Array:
        ones = np.ones((len(a), 1), f32)
        return ops.linear_backward(a, ones, np.ones((a.shape[1], 1), f32), **STRICT)[2]

    return {
        "product": lambda a, b: ops.linear_forward(a, np.ascontiguousarray(b.T), None, **STRICT),
        "sum": total,
        "scatter_add": lambda rows, ids, V: ops.embedding_backward(rows[:, None], ids[:, None], V, **STRICT),
        "tanh": lambda x: ops.tanh_forward(x, **STRICT),
    }


def by_rounding(strict: ModuleType, of: Callable) -> dict[str, Callable]:
    found = {name: of(getattr(strict, name)) for name in ("scatter_add", "tanh", "exp", "log")}
    found["sqrt"] = of(getattr(strict, "sqrt", np.sqrt))  # numpy's own is rounded correctly
    found |= {"product": of(strict.matmul), "sum": of(lambda a: strict.sum_along(a, 0))}
    return found | {sign: of(lambda a, b, name=name: getattr(a, name)(b)) for sign, name in SIGNS.items()}


@cache
def library(copy: str) -> ctypes.CDLL:
    if copy == "c by clang" and shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    return ctypes.CDLL(str(built(COPIES[copy])))


def by_library(copy: str) -> dict[str, Callable]:
    """The kernels compiled anew, called with pointers."""
    real, token = (np.ctypeslib.ndpointer(dtype, flags="C") for dtype in (f32, np.int32))
    size = ctypes.c_size_t

    def run(name: str, kinds: list, out: Array, *given: object) -> Array:
        function = getattr(library(copy), name)
        function.argtypes, function.restype = [real, *kinds], None
        function(out, *(np.ascontiguousarray(g) if isinstance(g, Array) else g for g in given))
        return out

    def product(a: Array, b: Array) -> Array:
        kinds, sizes = [real, real, ctypes.c_void_p, size, size, size], (len(a), len(b), b.shape[1])
        return run("linear_forward_strict", kinds, np.zeros((len(a), b.shape[1]), f32), a, b.T, None, *sizes)

    def scatter_add(rows: Array, ids: Array, V: int) -> Array:
        kinds, sizes = [real, token, size, size, size], (len(rows), 1, rows.shape[1])
        return run("embedding_backward_strict", kinds, np.zeros((V, rows.shape[1]), f32), rows, ids, *sizes)

    def each(name: str) -> Callable:
        return lambda *x: run(name, [real] * len(x) + [size], np.zeros_like(x[0]), *x, x[0].size)

    found = {name: each(f"strict_{name}") for name in ("exp", "log", "sqrt")} | {"tanh": each("tanh_forward_strict")}
    names = dict(zip(SIGNS, ("add", "subtract", "multiply", "divide"), strict=True))
    found |= {sign: each(f"strict_{name}") for sign, name in names.items()}
    return found | {
        "product": product,
        "scatter_add": scatter_add,
        "sum": lambda a: product(np.ones((1, len(a)), f32), a)[0],
    }


HERE = {"numpy": by_rounding(in_numpy, lambda f: f), "torch": by_rounding(in_torch, in_tensors), "c": by_ops(in_c)}
HERE |= {copy: by_library(copy) for copy in COPIES}
PAIRS = [(name, primitive) for name, found in HERE.items() for primitive in found]


def numbers(rng: np.random.Generator, *shape: int) -> Array:
    """All of about one size, or of any."""
    low = int(rng.integers(-149, 126))
    return random_float32s(rng, shape, low, min(low + int(rng.choice([1, 9, 40, 277])), 127))


def products(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    while True:
        a, b = hard_products(rng)
        yield a, np.ascontiguousarray(b.T)
        rows, columns, terms = (int(rng.integers(1, most)) for most in (9, 9, 300))
        yield numbers(rng, rows, terms), numbers(rng, terms, columns)


def sums(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    while True:
        yield (np.ascontiguousarray(hard_sums(rng).T),)
        yield (numbers(rng, int(rng.integers(1, 300)), 40),)


def scattered(rng: np.random.Generator) -> Iterator[tuple[Array, Array, int]]:
    for (rows,) in sums(rng):
        yield rows, rng.integers(1, 3, len(rows)).astype(np.int32), 4


def arguments(rng: np.random.Generator, primitive: str) -> Iterator[tuple[Array]]:
    highest = {"tanh": 5, "exp": 7}.get(primitive, 127)
    while True:
        x = random_float32s(rng, (100,), -149 if primitive in ("log", "sqrt") else -40, highest)
        yield (np.abs(x) if primitive in ("log", "sqrt") else x,)


def pairs(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    while True:
        rows = hard_sums(rng)
        a, b = hard_products(rng)
        terms = [np.sort(np.abs(rows), axis=1)[:, -1:-3:-1], np.stack([a[:, 0], b[:, 0]], axis=1)]  # the two largest
        both = np.concatenate([*terms, numbers(rng, 40, 2)])
        both = both[(both != 0).all(axis=1)]
        yield both[:, 0].copy(), both[:, 1].copy()


def exactly(primitive: str, given: tuple) -> Array:
    if primitive in SIGNS:
        a, b = given
        results = [
            getattr(Fraction(x), SIGNS[primitive])(Fraction(y)) for x, y in zip(a.tolist(), b.tolist(), strict=True)
        ]
        return np.array([oracle.nearest(*x.as_integer_ratio()) for x in results], f32)
    return getattr(oracle, primitive)(*given)


@cache
def cases(primitive: str) -> list[tuple[tuple, Array]]:
    """(what is given, what is due) for CASES results or more."""
    rng = np.random.default_rng(2003)
    makers = {"product": products, "sum": sums, "scatter_add": scattered, **dict.fromkeys(SIGNS, pairs)}
    drawn = makers[primitive](rng) if primitive in makers else arguments(rng, primitive)
    found, count = [], 0
    while count < CASES:
        given = next(drawn)
        found.append((given, exactly(primitive, given)))
        count += found[-1][1].size
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("where", "primitive"), PAIRS, ids=[f"{primitive} in {where}" for where, primitive in PAIRS])
def test_a_primitive_gives_every_bit_of_exact_arithmetic(where, primitive):
    compared = 0
    for given, due in cases(primitive):
        with np.errstate(all="ignore"):
            actual = HERE[where][primitive](*given)
        found = compare_bits(primitive, actual, due, any_zero=primitive in SIGNS)
        assert found.ok, found
        compared += found.compared
    assert compared >= CASES


UNCHECKED = {  # what a careful reader might take for strict
    "product": lambda a, b: (a.astype(np.float64) @ b.astype(np.float64)).astype(f32) + f32(0),
    "sum": lambda a: a.astype(np.float64).sum(axis=0).astype(f32) + f32(0),
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
}


@pytest.mark.parametrize("primitive", UNCHECKED)
def test_the_cases_find_out_who_does_not_check(primitive):
    with np.errstate(all="ignore"):
        found = [compare_bits(primitive, UNCHECKED[primitive](*given), due) for given, due in cases(primitive)]
    assert sum(m.wrong for m in found) > 0
