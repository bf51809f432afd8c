"""`make test-hardcases`: finds the hard cases of tanh, exp and log anew, then holds every backend's strict functions
against the correctly rounded value of all 2^32 float32 inputs. Exits with 1 at any difference.

They are held against the C library's float64 result, rounded, but for the candidates, which mpmath rounds.
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
from nnz.numpy import arithmetic as in_numpy
from nnz.torch import arithmetic as in_torch
from tools.hard_cases import FUNCTIONS, PROGRAM, ROOT, describe, find

LIBRARY = ROOT / "build" / "strict_functions.so"
CHUNK = 1 << 15  # so many numbers in float64 stay in the cache
Elementwise = Callable[[np.ndarray], np.ndarray]


def main() -> int:
    """All functions, or those named, side by side."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        wrong = sum(pool.map(check, sys.argv[1:] or FUNCTIONS))
    return 1 if wrong else 0


def check(name: str) -> int:
    """How much is wrong with a function's table and with what the backends make of it."""
    found = find(name)
    print(describe(name, found), flush=True)
    is_other = found.hard != getattr(hard_cases, name.upper())
    if is_other:
        print(f"{name}: the tables are NOT these: make hard-cases", flush=True)
    return is_other + hold(name, found.candidates, strict(name))


def hold(name: str, candidates: dict[int, int], functions: dict[str, Elementwise]) -> int:
    """How many of the 2^32 results of each function are wrong, in all; prints each count, the first, and the time."""
    wrong, seconds = dict.fromkeys(functions, 0), dict.fromkeys(functions, 0.0)
    for x, expected in correctly_rounded(name, candidates):
        for runner, function in functions.items():
            began = time.perf_counter()
            y = function(x)
            seconds[runner] += time.perf_counter() - began
            places = differing(y, expected)
            if len(places) and not wrong[runner]:
                numbers = (float(array[places[0]]).hex() for array in (x, y, expected))
                print("{}: {}({}) is not {} but {}".format(runner, name, *numbers), flush=True)
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
    """Each backend's own. C functions that are no op by themselves are in strict_functions.c."""
    return {
        "c": partial(c.ops.tanh_forward, precision="strict") if name == "tanh" else _from_library(name),
        "numpy": getattr(in_numpy.Strict, name),
        "torch": lambda x: getattr(in_torch.Strict, name)(torch.from_numpy(x)).numpy(),
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
