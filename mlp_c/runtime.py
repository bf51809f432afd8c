"""Where the C kernels compute, and with how many threads."""

from __future__ import annotations

from nnz import checks

from ._binding import ffi, lib


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    return ("cpu",)


def strict_tally() -> tuple[int, int]:
    """How many results strict products have rounded in this process, and how many of them they summed exactly."""
    counts = ffi.new("double[2]")
    lib.tally_read(counts, counts + 1)
    return int(counts[0]), int(counts[1])


def set_threads(n: int) -> None:
    """Let the kernels use up to `n` threads from now on. Their number changes no bit of any result.

    Raises TypeError or ValueError unless n is from 1.
    """
    lib.set_threads(checks.positive_int("threads", n))


def built_with() -> str:
    """Return the compiler that built the kernels, and its flags."""
    return ffi.string(lib.built_with()).decode()
