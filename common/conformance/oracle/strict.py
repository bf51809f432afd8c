"""Strict float32 from its definition: each float32 that is stored is the one nearest to its operation's exact result.

It imports numpy and the standard library alone, and uses none of the methods of a backend: sums and products are
computed in integers, functions in decimals of as many digits as are needed, and each result is rounded once, here.
+ - * / of two float32s are numpy's, which IEEE 754 asks to be correctly rounded. strict_ops.py has the operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from functools import lru_cache

import numpy as np

Array = np.ndarray
Function = Callable[[Decimal, Context], Decimal]

FRACTION, LAST_BIT, BEYOND = 23, -149, 128  # every float32 is a multiple of 2^LAST_BIT, and below 2^BEYOND
DIGITS = 60
CERTAIN = 6  # the last few of these digits are not relied on


def nearest(numerator: int, denominator: int) -> np.float32:
    """The float32 nearest to a fraction (the even one of two equally near); infinity from 2^128 - 2^103 on; no -0."""
    size = abs(numerator)
    exponent = max(_floor_log2(size, denominator) - FRACTION, LAST_BIT)  # of the last bit in a float32 of this size
    size, denominator = size << max(-exponent, 0), denominator << max(exponent, 0)
    units, rest = divmod(size, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and units % 2 == 1):
        units += 1
    value = math.ldexp(units, exponent) if units << max(exponent, 0) < 2**BEYOND else math.inf
    return np.float32(-value if numerator < 0 and units else value)


def product(a: Array, b: Array) -> Array:
    """The sums of a[i,k] b[k,j] over k        a (I,K)  b (K,J)  ->  (I,J)"""
    (a, a_exponent), (b, b_exponent) = _whole(a), _whole(b)
    return _nearest(a @ b, a_exponent + b_exponent)


def sum(a: Array, axis: int = 0) -> Array:
    """The sums along an axis."""
    whole, exponent = _whole(a)
    return _nearest(np.asarray(whole.sum(axis=axis), object), exponent)


def scatter_add(rows: Array, ids: Array, V: int) -> Array:
    """table[v] = the sum of the rows whose id is v        rows (n,E)  ids (n,)  ->  table (V,E)"""
    table, (whole, exponent) = np.zeros((V, rows.shape[1]), object), _whole(rows)
    for row, v in zip(whole, ids, strict=True):
        table[v] += row
    return _nearest(table, exponent)


def tanh(x: Array) -> Array:
    """Odd, down to the zeros: tanh(-0) is -0."""
    return _each(_tanh, x, {0: x})


def exp(x: Array) -> Array:
    return _each(_exp, x, {0: 1})


def log(x: Array) -> Array:
    return _each(_log, x, {1: 0})


def sqrt(x: Array) -> Array:
    return _each(_sqrt, x, {0: x})


def _floor_log2(numerator: int, denominator: int) -> int:
    """The n with 2^n <= numerator / denominator < 2^(n+1); for zero the smallest exponent of a float32."""
    n = numerator.bit_length() - denominator.bit_length()  # n, or n + 1
    is_more = numerator << max(-n, 0) < denominator << max(n, 0)
    return n - is_more if numerator else LAST_BIT


def _whole(x: Array) -> tuple[Array, int]:
    """(w, e) with x = w 2^e, w in Python's integers of any size. Raises ValueError unless all are finite float32s."""
    if x.dtype != np.float32 or not np.isfinite(x).all():
        raise ValueError(f"strict float32 needs finite float32s; got {x.dtype}, or a value that is not finite")
    fractions, exponents = np.frexp(x)
    lowest = int(exponents.min(where=x != 0, initial=BEYOND))
    digits = np.ldexp(fractions, FRACTION + 1).astype(np.int64)
    shifts = np.where(x != 0, exponents, lowest) - lowest
    whole = [digit << shift for digit, shift in zip(digits.ravel().tolist(), shifts.ravel().tolist(), strict=True)]
    return np.array(whole, object).reshape(x.shape), lowest - FRACTION - 1


def _nearest(whole: Array, exponent: int) -> Array:
    """The float32s nearest to whole 2^exponent."""
    up, down = 1 << max(exponent, 0), 1 << max(-exponent, 0)
    return np.array([nearest(number * up, down) for number in whole.flat], np.float32).reshape(whole.shape)


def _each(function: Function, x: Array, exactly: dict[int, Array | int]) -> Array:
    """The float32s nearest to function(x); for the x in `exactly` the result is known.

    No other result is rational, except some roots; none is half way between two float32s, so enough digits decide.
    """
    y = np.array([0 if v in exactly else _certain(function, v) for v in x.ravel().tolist()], np.float32)
    y = y.reshape(x.shape)
    for value, result in exactly.items():
        y = np.where(x == value, np.float32(result), y)
    return y


@lru_cache(2**17)
def _certain(function: Function, x: float) -> np.float32:
    """The float32 to which every number within the error of function(x) rounds."""
    digits = DIGITS
    while True:
        y, scale = function(Decimal(x), Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN)).as_integer_ratio()
        y, scale, error = y * 10 ** (digits - CERTAIN), scale * 10 ** (digits - CERTAIN), abs(y)
        low, high = nearest(y - error, scale), nearest(y + error, scale)
        if low == high:
            return low
        digits *= 2


def _exp(x: Decimal, context: Context) -> Decimal:
    return context.exp(max(min(x, Decimal(100)), Decimal(-110)))  # beyond: infinity, and less than half of 2^-149


def _log(x: Decimal, context: Context) -> Decimal:
    return context.ln(x)


def _sqrt(x: Decimal, context: Context) -> Decimal:
    return context.sqrt(x)


def _tanh(x: Decimal, context: Context) -> Decimal:
    """(e^2x - 1) / (e^2x + 1), with as many more digits as cancel where x is small."""
    x = max(min(x, Decimal(20)), Decimal(-20))  # beyond: nearer to 1 than any other float32 is
    context.prec += max(0, -x.adjusted())
    power = context.exp(context.multiply(2, x))
    return context.divide(context.subtract(power, 1), context.add(power, 1))
