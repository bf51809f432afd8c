"""Run the same batches and steps through two backends; name the first tensor that differs.

It compares emb, h_pre, h, logits, probs, loss and the gradients of the MLP, in this order; of the GPT what is between
weights and gradients, block by block; then the parameters after each step of SGD and AdamW. Two correct backends differ
by at most the sum of their bounds. The exit code is 0 if the two agree with each other and with the oracle.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from ..backend import registry
from ..files.errors import Refusal, UsageError, refusing
from ..recipes.settings import LARGEST_SEED
from .flags import check, whole

if TYPE_CHECKING:
    from ..conformance.checks.backend_under_test import BackendUnderTest
    from ..conformance.diff.first_difference import Comparison, Difference

EXAMPLES = """\
  nnz diff c torch
  nnz diff numpy mypkg.mybackend --dtype float32 --batch-size 7
"""
MANY_TIMES = 1_000_000
LARGEST_BATCH = 4096  # the oracle keeps several float64 arrays of every term of every sum


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("a", metavar="A", help="a backend: c, numpy, torch or any module")
    add("b", metavar="B", help="another one")
    add("--dtype", default="float64", metavar="NAME", help="float32 or float64; default: float64")
    add("--seed", type=whole, default=1, metavar="N", help="seed of the random sizes, weights and batch; default: 1")
    add("--batch-size", type=whole, metavar="N", help="number of rows; default: random, like the other sizes")


def run(arguments: argparse.Namespace) -> None:
    """Compare and print. Raises Refusal if something differs."""
    with refusing():
        _check(arguments)
        from ..conformance.checks.backend_under_test import BackendUnderTest, NotThere, Wrong
        from ..conformance.diff.first_difference import compare_backends

        pair = BackendUnderTest(arguments.a), BackendUnderTest(arguments.b)
        missing, found = dict[str, None](), False
        try:
            for compared in compare_backends(*pair, arguments.dtype, arguments.seed, arguments.batch_size):
                _show(compared, pair)
                missing |= dict.fromkeys(compared.missing)
                found = found or bool(compared.steps)
        except NotThere as error:
            raise Refusal(f"could not compare the two: {str(error).rstrip('. ')}{_until_then(arguments)}") from error
        except Wrong as error:
            raise Refusal(f"could not compare the two: {error}") from error
    if not found:
        raise Refusal(f"could not compare the two: they have nothing in common; missing are {', '.join(missing)}")
    if compared.difference is not None:
        raise Refusal(f"{arguments.a} and {arguments.b}: {_summary(compared.difference, pair)}")
    if missing:
        print(f"not compared: {', '.join(missing)}")
    print(f"{arguments.a} and {arguments.b} agree{' in all else' if missing else ''}")


def _until_then(arguments: argparse.Namespace) -> str:
    """How to go on with a backend that has no model yet."""
    others = [name for name in (arguments.a, arguments.b) if name not in registry.names()]
    return f"; until its model is written, go on with nnz parity {' '.join(others)}" if others else ""


def _check(arguments: argparse.Namespace) -> None:
    from ..backend.checks import DTYPES

    if arguments.dtype not in DTYPES:
        raise UsageError(f"--dtype is {arguments.dtype!r}; it must be {' or '.join(DTYPES)}")
    check("--seed", arguments.seed, 0, LARGEST_SEED)
    check("--batch-size", arguments.batch_size, 1, LARGEST_BATCH)


def _show(compared: Comparison, pair: tuple[BackendUnderTest, BackendUnderTest]) -> None:
    print(compared.title)
    for tensor, share in compared.steps:
        print(f"  {tensor:<12} {_share(share)} the difference that two correct backends may have")
    d = compared.difference
    if d is None:
        return
    place = f"[{', '.join(map(str, d.index))}]" if d.index else ""
    oracle = f"; the oracle's value is {d.expected:.17g}" if d.index is not None else ""
    print(f"first difference: {d.tensor}{place}{oracle}")
    for backend, value, shape, share, cause, source in zip(
        pair, d.values, d.shapes, d.shares, d.causes, d.places, strict=True
    ):
        shown = _number(value) if d.index is not None else f"shape {shape}"
        state = f"wrong: {_times(share)} its bound" if share > 1 else "within its bound"
        print(f"  {backend.name:<12} {shown:<24} {state}")
        if cause:
            print(f"  {'':<12} likely cause: {cause}")
        print(f"  {'':<12} {source}")


def _share(share: float) -> str:
    return f"{100 * share:9.2f}% of" if share <= 1 else f"{_times(share):>9}"


def _times(share: float) -> str:
    """As "7.3 times"; a number of more digits tells no more."""
    return f"{share:.3g} times" if share < MANY_TIMES else f"over {MANY_TIMES:,} times"


def _number(value: float) -> str:
    return "not a number" if math.isnan(value) else "infinite" if math.isinf(value) else f"{value:.17g}"


def _summary(d: Difference, pair: tuple[BackendUnderTest, BackendUnderTest]) -> str:
    wrong = [backend.name for backend, share in zip(pair, d.shares, strict=True) if share > 1]
    who = "each is just within its bound"
    if wrong:
        who = f"{' and '.join(wrong)} differ{'s' * (len(wrong) == 1)} from the oracle there"
    return f"the first difference is in {d.tensor}; {who}"
