"""`make test-hardcases`: check every backend's strict tanh, exp and log for all 2^32 float32 inputs; takes minutes.

First it finds the hard cases again. Then it compares every result with the correctly rounded value: the C library's
float64 result, rounded, or mpmath's for the inputs where that may be wrong. Exits with 1 if anything differs.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import torch

from nnz import c
from nnz.numbers import hard_cases
from nnz.numpy import correct_rounding as in_numpy
from nnz.torch import correct_rounding as in_torch
from tools.hard_cases import FUNCTIONS, PROGRAM, ROOT, describe, find

LIBRARY = ROOT / "build" / "strict_functions.so"
CHUNK = 1 << 15  # numbers: in float64 they fit into the cache
Elementwise = Callable[[np.ndarray], np.ndarray]


def main() -> int:
    """Check all functions, or those named, in parallel."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        wrong = sum(pool.map(check, sys.argv[1:] or FUNCTIONS))
    return 1 if wrong else 0


def check(name: str) -> int:
    """The number of errors in a function's table and in the results of the backends."""
    found = find(name)
    print(describe(name, found), flush=True)
    is_other = found.hard != getattr(hard_cases, name.upper())
    if is_other:
        print(f"{name}: the tables in the sources differ; write them again with make hard-cases", flush=True)
    return is_other + hold(name, found.candidates, strict(name))


def hold(name: str, candidates: dict[int, int], functions: dict[str, Elementwise]) -> int:
    """The number of wrong results of all functions; prints it for each, with the first wrong one and the time."""
    wrong, seconds = dict.fromkeys(functions, 0), dict.fromkeys(functions, 0.0)
    for x, expected in correctly_rounded(name, candidates):
        for runner, function in functions.items():
            began = time.perf_counter()
            y = function(x)
            seconds[runner] += time.perf_counter() - began
            places = differing(y, expected)
            if len(places) and not wrong[runner]:
                numbers = (float(array[places[0]]).hex() for array in (x, expected, y))
                print("{}: {}({}) must be {}, not {}".format(runner, name, *numbers), flush=True)
            wrong[runner] += len(places)
    for runner in functions:
        print(f"{runner}: {wrong[runner]} of 2^32 {name} wrong, {seconds[runner]:.0f} s", flush=True)
    return sum(wrong.values())


def correctly_rounded(name: str, candidates: dict[int, int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Chunks of all float32 inputs, in the order of their bits, each with its results."""
    hard_x, hard_y = (np.array(list(bits), np.uint32) for bits in (candidates, candidates.values()))
    with subprocess.Popen([PROGRAM, "rounded", name], stdout=subprocess.PIPE) as program:
        for first in range(0, 1 << 32, CHUNK):
            x = np.uint32(first) + np.arange(CHUNK, dtype=np.uint32)
            y = np.frombuffer(program.stdout.read(x.nbytes), np.uint32).copy()
            here = (hard_x >= x[0]) & (hard_x <= x[-1])
            y[hard_x[here] - x[0]] = hard_y[here]
            yield x.view(np.float32), y.view(np.float32)


def strict(name: str) -> dict[str, Elementwise]:
    """The function of each backend. In C, exp and log are not ops; strict_functions.c exports them."""
    return {
        "c": partial(c.ops.tanh_forward, precision="strict") if name == "tanh" else _from_library(name),
        "numpy": getattr(in_numpy, name),
        "torch": lambda x: getattr(in_torch, name)(torch.from_numpy(x)).numpy(),
    }


def _from_library(name: str) -> Elementwise:
    function = getattr(ctypes.CDLL(str(LIBRARY)), f"strict_{name}")
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

    def call(x: np.ndarray) -> np.ndarray:
        y = np.empty_like(x)
        function(y.ctypes.data, x.ctypes.data, x.size)
        return y

    return call


def differing(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Where two float32 arrays differ in any bit. All NaNs are one."""
    different = np.flatnonzero(got.view(np.uint32) != expected.view(np.uint32))
    return different[~(np.isnan(got[different]) & np.isnan(expected[different]))]


if __name__ == "__main__":
    sys.exit(main())
