"""`make tricks`: what each trick of the fast linear kernel gains; writes docs/walk.md in some ten seconds."""

import ctypes
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

import nnz.c
from nnz.c.binding.library import kernel
from nnz.conformance.environment import environment
from tools import readme

ROOT = Path(__file__).resolve().parents[1]
B, N, M = 128, 144, 512  # the hidden layer of the recipe `names`
ROUNDS, REPEATS = 15, 20
LINES = {"ops/linear.c": 0, "fast/linear.c": 0, "fast/matmul.h": 0, "fast/packing.h": 0}
FLOP = 3 * 2 * B * N * M  # multiplications and additions of the three products


def any_cpu(folder: str) -> Callable:
    """linear_forward and linear_backward of fast/, compiled for any CPU of this kind, by their names."""
    library = Path(folder, "any_cpu.so")
    sources = [ROOT / "mlp_c" / "fast" / name for name in ("float32.c", "threads.c")]
    flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O3", "-fno-math-errno", "-ffp-contract=off", "-DNNZ_ONE_COPY"]
    command = [os.environ.get("CC", "cc"), *flags, "-shared", "-fPIC", *sources, "-lm", "-o", library]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))

    def find(name: str) -> Callable:
        function = getattr(loaded, f"{name}_float32")
        return lambda *values: function(
            *(a.ctypes.data_as(ctypes.c_void_p) if isinstance(a, np.ndarray) else ctypes.c_size_t(a) for a in values)
        )

    return find


def ours(kernels: str) -> Callable:
    """The functions that nnz.c calls, of one kernel set, by their names."""
    from nnz.c.binding.library import pointer

    return lambda name: (
        lambda *values: kernel(name, "float32", kernels)(
            *(pointer(a) if isinstance(a, np.ndarray) else a for a in values)
        )
    )


def step(find: Callable, threads: int) -> Callable[[], None]:
    """A forward and a backward of the layer, on arrays of its shapes."""
    generator = np.random.default_rng(1)
    x, w, b, dy = (generator.standard_normal(n, np.float32) for n in ((B, N), (M, N), M, (B, M)))
    y, dx, dw, db = (np.zeros_like(a) for a in (dy, x, w, b))
    forward, backward = find("linear_forward"), find("linear_backward")

    def run() -> None:
        nnz.c.set_threads(threads)
        forward(y, x, w, b, B, N, M)
        backward(dx, dw, db, dy, x, w, B, N, M)

    return run


def table() -> str:
    """The variants in turn, medians; each row adds one trick to the row above."""
    with tempfile.TemporaryDirectory() as folder:
        variants = {
            "the plain loops": step(ours("plain"), 1),
            "+ tiles in registers, packing": step(any_cpu(folder), 1),
            "+ the vectors of this CPU, and FMA": step(ours("native"), 1),
            "+ 2 threads": step(ours("native"), 2),
        }
        samples = {name: [] for name in variants}
        for number in range(ROUNDS + 1):
            for name, run in variants.items():
                time.sleep(0.02)  # let the threads of the variant before come to rest
                began = time.perf_counter()
                for _ in range(REPEATS):
                    run()
                if number > 0:
                    samples[name].append((time.perf_counter() - began) / REPEATS * 1e3)
    lines = ["| | ms | GFLOP/s | faster than the row above by |", "|---|---:|---:|---:|"]
    above = None
    for name, sample in samples.items():
        ms = statistics.median(sample)
        gain = f"{above / ms:.1f} x" if above else ""
        lines.append(f"| {name} | {ms:.3f} | {FLOP / ms / 1e6:.1f} | {gain} |")
        above = ms
    count = {name: len((ROOT / "mlp_c" / name).read_text(encoding="utf-8").splitlines()) for name in LINES}
    fast = sum(n for name, n in count.items() if name.startswith("fast"))
    return (
        f"A forward and a backward of the hidden layer of `names` (B {B}, N {N}, M {M}, float32), by `make tricks` on "
        f"{date.today()} ({environment()['cpu']}, {os.cpu_count()} cores): all versions in turn, medians.\n\n"
        + "\n".join(lines)
        + f"\n\nThe price is {fast} lines (`linear.c`, `matmul.h` and `packing.h` of `fast/`) instead of "
        f"{count['ops/linear.c']}."
    )


if __name__ == "__main__":
    readme.replace("tricks", table(), readme.DOCS / "walk.md")
