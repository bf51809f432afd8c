"""Where numpy computes, and with how many threads."""

from __future__ import annotations

import threadpoolctl


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    return ("cpu",)


def set_threads(n: int) -> None:
    """Let numpy's BLAS use `n` threads in this process from now on."""
    threadpoolctl.threadpool_limits(n, user_api="blas")
