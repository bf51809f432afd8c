"""Where the C kernels compute, and with how many threads."""

from __future__ import annotations


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    return ("cpu",)


def set_threads(n: int) -> None:
    """The kernels run on one thread, which is within every number of threads asked for."""
