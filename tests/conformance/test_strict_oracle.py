"""The strict oracle rounds correctly: by another library's digits, and by hand-computed values."""

import ast
import sys
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

from nnz.conformance.cases.strict import hard_products, hard_sums, random_float32s
from nnz.conformance.oracle import strict as oracle

f32 = np.float32
LEAST, LARGEST = Fraction(1, 2**149), Fraction(2**128 - 2**104)
ULP = Fraction(1, 2**23)  # of 1
TRACE = Fraction(1, 10**60)

mpmath.mp.dps = 80


def bits(x) -> list[int]:
    return np.atleast_1d(np.asarray(x, f32)).view(np.uint32).tolist()


def nearest(x: Fraction) -> f32:
    return oracle.nearest(*x.as_integer_ratio())


def by_mpmath(x: mpmath.mpf) -> f32:
    """The float32 nearest to x, by the rounding of mpmath and nothing of ours; x is no subnormal."""
    return f32(float(mpmath.mpf(x, prec=24, rounding="n")))


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (Fraction(0), 0x00000000),
        (1 + ULP / 2, 0x3F800000),  # half way: the even one, here below
        (1 + 3 * ULP / 2, 0x3F800002),  # and here above
        (1 + ULP / 2 + TRACE, 0x3F800001),
        (1 + 3 * ULP / 2 - TRACE, 0x3F800001),
        (-1 - ULP / 2, 0xBF800000),
        (1 - ULP / 4, 0x3F800000),  # half way to a neighbour that is half as far
        (1 - ULP / 4 - TRACE, 0x3F7FFFFF),
        (LEAST / 2, 0x00000000),
        (-LEAST / 2, 0x00000000),  # no zero but +0
        (LEAST / 2 + TRACE**2, 0x00000001),
        (3 * LEAST / 2, 0x00000002),
        (-3 * LEAST / 2 + TRACE**2, 0x80000001),
        (Fraction(1, 2**126) - LEAST / 2, 0x00800000),  # half way between the largest subnormal and the least other
        (LARGEST, 0x7F7FFFFF),
        (LARGEST + 2**103 - TRACE, 0x7F7FFFFF),
        (LARGEST + 2**103, 0x7F800000),
        (-LARGEST - 2**103, 0xFF800000),
        (Fraction(10) ** 99, 0x7F800000),
    ],
)
def test_a_number_is_rounded_once_to_the_nearest_of_two_equally_near_to_the_even(x, expected):
    assert bits(nearest(x)) == [expected]


def test_a_fraction_is_rounded_as_numpy_rounds_the_same_float64():
    rng = np.random.default_rng(1)
    wide = random_float32s(rng, (2000,)).astype(np.float64) * rng.uniform(1, 2, 2000)
    with np.errstate(over="ignore"):
        expected = wide.astype(f32) + f32(0)
    assert bits([nearest(Fraction(x)) for x in wide.tolist()]) == bits(expected)


@pytest.mark.parametrize("name", ["tanh", "exp", "log", "sqrt"])
def test_a_function_is_that_of_mpmath_rounded(name):
    rng = np.random.default_rng(2)
    x = random_float32s(rng, (300,), -60, {"exp": 6, "tanh": 5}.get(name, 127))
    x = np.abs(x) if name in ("log", "sqrt") else x
    y = getattr(oracle, name)(x)
    assert bits(y) == bits([by_mpmath(getattr(mpmath, name)(mpmath.mpf(v))) for v in x.tolist()])


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("log", float.fromhex("0x1.2f1fd6p+3"), float.fromhex("0x1.1fcbcep+1")),  # wrong in glibc, numpy and torch
        ("exp", 0.0, 1.0),
        ("exp", 3e38, np.inf),
        ("exp", 88.72284, np.inf),
        ("exp", 88.72283, float.fromhex("0x1.ffff08p+127")),
        ("exp", -103.972084, 0.0),
        ("exp", -103.97207, 2.0**-149),
        ("exp", -3e38, 0.0),
        ("log", 1.0, 0.0),
        ("log", 2.0**-149, -103.27893),
        ("tanh", -0.0, -0.0),
        ("tanh", 2.0**-149, 2.0**-149),
        ("tanh", -9.0, -0.99999994),
        ("tanh", 3e38, 1.0),
        ("sqrt", 2.0**-149, float.fromhex("0x1.6a09e6p-75")),
        ("sqrt", 4.0, 2.0),
    ],
)
def test_a_function_at_its_edges(name, x, expected):
    assert bits(getattr(oracle, name)(np.array([x], f32))) == bits(f32(expected))


def test_sums_and_products_are_those_of_fractions_on_the_hard_cases():
    rng = np.random.default_rng(3)
    sums, (a, b) = hard_sums(rng), hard_products(rng)
    expected = [nearest(sum(map(Fraction, row))) for row in sums.tolist()]
    assert bits(oracle.sum(sums, 1)) == bits(oracle.sum(sums.T)) == bits(expected)
    pairs = [
        [Fraction(x) * Fraction(y) for x, y in zip(*rows, strict=True)]
        for rows in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert bits(np.diag(oracle.product(a, b.T))) == bits([nearest(sum(row)) for row in pairs])


def test_the_hard_cases_are_wrong_when_added_in_float32_or_rounded_twice():
    rng = np.random.default_rng(4)
    sums = hard_sums(rng)
    with np.errstate(all="ignore"):
        plain, twice = sums.sum(axis=1), sums.astype(np.float64).sum(axis=1).astype(f32)
    exact = oracle.sum(sums, 1)
    assert (plain != exact).sum() > len(sums) / 10
    assert (twice != exact).any()


def test_a_table_of_sums_adds_the_rows_of_each_id():
    rng = np.random.default_rng(5)
    rows, ids = random_float32s(rng, (40, 3)), rng.integers(1, 4, 40)
    table = oracle.scatter_add(rows, ids, 5)
    for v in (1, 2, 3):
        assert bits(table[v]) == bits(oracle.sum(rows[ids == v]))
    assert bits(table[[0, 4]].ravel()) == [0] * 6


@pytest.mark.parametrize("bad", [np.array([np.inf], f32), np.array([np.nan], f32), np.array([1.0])])
def test_what_is_not_a_finite_float32_is_refused(bad):
    with pytest.raises(ValueError, match="finite float32"):
        oracle.sum(bad)


def test_the_strict_oracle_shares_no_code_with_what_it_judges():
    for name, allowed in (("strict", set()), ("strict_ops", {"strict"})):
        path = Path(oracle.__file__).with_name(f"{name}.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert all(alias.name.split(".")[0] in {"numpy"} | sys.stdlib_module_names for alias in node.names)
            if isinstance(node, ast.ImportFrom) and node.level:
                assert {alias.name for alias in node.names} <= allowed
            elif isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] in {"numpy"} | sys.stdlib_module_names
