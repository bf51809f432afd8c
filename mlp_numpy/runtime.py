"""What numpy computes with: the operations of each precision, devices and threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from nnz.backend import checks
from nnz.backend.op_checks import checked_ops

from .correct_rounding import TALLY
from .gpt.by_precision import OPS as OPS

BLOCK = 2**17  # numbers that an optimizer takes at a time
CHECKED_OPS = checked_ops(f"{__package__}.ops", OPS)  # as `nn.ops` has them


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    return ("cpu",)


def strict_tally() -> tuple[int, int]:
    """How many results strict products and sums have rounded in this process, and how many they summed exactly."""
    return TALLY.read()


def set_threads(n: int) -> None:
    """Let numpy's BLAS use `n` threads from now on. Raises TypeError or ValueError unless n is from 1 to 1024."""
    import threadpoolctl  # only here: a model needs numpy alone

    n = checks.threads(n)
    threadpoolctl.threadpool_limits(n, user_api="blas")


def block_sizes(dtype: str) -> dict[str, tuple[int, ...]]:
    """The sizes, by the op, at which a computation goes another way: nnz parity tries each, one less and one more."""
    return {"sgd": (BLOCK,), "adamw": (BLOCK,)}


def built_with() -> str:
    """Return the BLAS that numpy multiplies with, and the vector instructions it found on this CPU."""
    about = np.show_config(mode="dicts")
    blas = about["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}; {' '.join(about['SIMD Extensions']['found'])}"


def prepared(name: str, *arrays: np.ndarray) -> Callable[[], object]:
    """Return a call of the op `name` on arrays, none of which is checked: to time it as in a step."""
    return partial(getattr(OPS["native"], name), *arrays)
