"""Where the C kernels compute, and with how many threads."""

from __future__ import annotations

from ._binding import lib


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    return ("cpu",)


def set_threads(n: int) -> None:
    """Let the kernels use up to `n` threads from now on. Their number changes no bit of any result."""
    lib.set_threads(n)
