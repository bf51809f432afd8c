"""Run one batch through two backends and name the first tensor that differs.

It compares emb, h_pre, h, logits, probs, loss and the gradients, in this order. Two correct backends differ by at most
the sum of their bounds. The exit code is 0 if the two agree with each other and with the oracle.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..files.errors import Refusal, UsageError, refusing
from ..recipes.settings import LARGEST_SEED
from .flags import check, whole

if TYPE_CHECKING:
    from ..conformance.checks.backend_under_test import BackendUnderTest
    from ..conformance.diff.first_difference import BatchComparison, Difference

EXAMPLES = """\
  nnz diff c torch
  nnz diff numpy mypkg.mybackend --dtype float32 --batch-size 7
"""
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
        try:
            for compared in compare_backends(*pair, arguments.dtype, arguments.seed, arguments.batch_size):
                _show(compared, pair)
        except (NotThere, Wrong) as error:
            raise Refusal(f"could not run a batch through both: {error}") from error
    if compared.difference is not None:
        raise Refusal(f"{arguments.a} and {arguments.b}: {_summary(compared.difference, pair)}")


def _check(arguments: argparse.Namespace) -> None:
    from ..backend.checks import DTYPES

    if arguments.dtype not in DTYPES:
        raise UsageError(f"--dtype is {arguments.dtype!r}; it must be {' or '.join(DTYPES)}")
    check("--seed", arguments.seed, 0, LARGEST_SEED)
    check("--batch-size", arguments.batch_size, 1, LARGEST_BATCH)


def _show(compared: BatchComparison, pair: tuple[BackendUnderTest, BackendUnderTest]) -> None:
    sizes = ", ".join(f"{name} {size}" for name, size in compared.case.sizes.items())
    print(f"{compared.case.title} ({sizes})")
    for tensor, share in compared.steps:
        print(f"  {tensor:<12} {100 * share:9.2f}% of the difference that two correct backends may have")
    d = compared.difference
    if d is None:
        return
    print(f"first difference: {d.tensor}[{', '.join(map(str, d.index))}]; the oracle's value is {d.expected:.17g}")
    from ..conformance.diff.sources import source_of

    for backend, value, share, cause in zip(pair, d.values, d.shares, d.causes, strict=True):
        state = f"wrong: {share:.3g} times its bound" if share > 1 else "within its bound"
        print(f"  {backend.name:<12} {value:<24.17g} {state}")
        if cause:
            print(f"  {'':<12} likely cause: {cause}")
        print(f"  {'':<12} {source_of(backend, d.tensor)}")


def _summary(d: Difference, pair: tuple[BackendUnderTest, BackendUnderTest]) -> str:
    wrong = [backend.name for backend, share in zip(pair, d.shares, strict=True) if share > 1]
    who = "each is just within its bound"
    if wrong:
        who = f"{' and '.join(wrong)} differ{'s' * (len(wrong) == 1)} from the oracle there"
    return f"the first difference is in {d.tensor}; {who}"
