"""Where numpy computes, and with how many threads."""

from __future__ import annotations

from nnz import checks

from .arithmetic import TALLY


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    return ("cpu",)


def strict_tally() -> tuple[int, int]:
    """How many results strict products and sums have rounded in this process, and how many they summed exactly."""
    return TALLY.read()


def set_threads(n: int) -> None:
    """Let numpy's BLAS use `n` threads from now on. Raises TypeError or ValueError unless n is from 1."""
    import threadpoolctl  # only here: a model needs numpy alone

    n = checks.positive_int("threads", n)
    threadpoolctl.threadpool_limits(n, user_api="blas")
