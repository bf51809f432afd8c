"""Where the C kernels compute, and with how many threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import numpy as np

from nnz.backend import checks
from nnz.backend.op_checks import letters
from nnz.backend.spec import FUNCTIONS

from .library import ffi, kernel, lib, pointer


def devices() -> tuple[str, ...]:
    """The devices that a model of this backend can live on."""
    return ("cpu",)


def strict_tally() -> tuple[int, int]:
    """How many results strict products have rounded in this process, and how many of them they summed exactly."""
    counts = ffi.new("double[2]")
    lib.tally_read(counts, counts + 1)
    return int(counts[0]), int(counts[1])


def set_threads(n: int) -> None:
    """Let the kernels that this thread calls use up to `n` threads. Their number changes no bit of any result.

    Until it is called they take as many as are faster at the time, up to one for each core or to OMP_NUM_THREADS.
    In a forked child they stay on one thread, whatever `n` is: the threads of its parent are not there.
    Raises TypeError or ValueError unless n is from 1 to 1024.
    """
    lib.set_threads(checks.threads(n))


def block_sizes(dtype: str) -> dict[str, tuple[int, ...]]:
    """The sizes, by the op, at which its kernels go another way: what is right below one may be wrong above it."""
    found: dict[str, tuple[int, ...]] = {}
    for told in (getattr(lib, f"{of}block_sizes_{dtype}") for of in ("", "gpt_")):
        last = next(n for n in count() if told[n].op == ffi.NULL)
        found |= {ffi.string(one.op).decode(): tuple(sorted({*one.sizes} - {0})) for one in told[0:last]}
    return found


def built_with() -> str:
    """Return the compiler that built the kernels, and its flags."""
    return ffi.string(lib.built_with()).decode()


def instruction_set() -> str:
    """Return for which of the CPU's sets of instructions the kernels that run here were compiled."""
    return ffi.string(lib.instruction_set()).decode()


def prepared(name: str, *arrays: np.ndarray) -> Callable[[], None]:
    """Return a call of the kernel `name` on C-contiguous arrays of one dtype and zeroed outputs: to time it alone."""
    function, sizes = FUNCTIONS[name], {}
    for shape, array in zip(function.inputs.values(), arrays, strict=True):
        sizes.update(zip(letters(shape), array.shape, strict=True))
    dtype = arrays[0].dtype
    outputs = [np.zeros([sizes[axis] for axis in letters(shape)], dtype) for shape in function.outputs.values()]
    return partial(kernel(name, dtype), *map(pointer, (*outputs, *arrays)), *(sizes[size] for size in function.sizes))
