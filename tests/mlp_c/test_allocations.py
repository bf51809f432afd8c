"""Memory that is not to be had: MemoryError in Python, one line and exit 1 in build/mlp, and the next call works."""

import os
import subprocess
import sys

import pytest
from support.built_program import built
from support.faulty import library
from support.tiny_commands import PROGRAM, words
from support.tiny_runs import BUILT, data_folder, tiny_recipe

IN_PYTHON = """
import ctypes, os
import numpy as np
import nnz, nnz.c as nn
library = ctypes.CDLL(os.environ["LD_PRELOAD"].split(":")[-1])
fail = lambda n: library.fault_allocation(b"_kernels", ctypes.c_long(n))

def raised(call, n):
    fail(n)
    try:
        call()
        return ""
    except MemoryError as error:
        return str(error)
    finally:
        fail(0)

sizes, rng = (27, 3, 48, 64), nnz.RNG(1)
inputs = np.arange(60).reshape(20, 3) % 27
model = nn.MLP(*sizes, rng=nnz.RNG(1))
print(raised(lambda: nn.MLP(*sizes, rng=rng), 1))
for n in (1, 2):
    fresh = nn.MLP(*sizes, rng=nnz.RNG(1))
    fresh(inputs[:2], inputs[:2, 0])
    print(raised(lambda: fresh(inputs, inputs[:, 0]), n))
    assert fresh(inputs, inputs[:, 0])[1] == model(inputs, inputs[:, 0])[1]
    assert all((a == b).all() for a, b in zip(fresh.backward().values(), model.backward().values()))
"""


@pytest.mark.skipif(
    "c" not in BUILT or not sys.platform.startswith("linux"), reason="nnz.c is not there, or no LD_PRELOAD"
)
@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer has an allocator of its own")
def test_each_allocation_of_the_kernels_fails_once_as_a_memory_error_and_the_next_call_works():
    done = subprocess.run(
        [sys.executable, "-c", IN_PYTHON],
        capture_output=True,
        text=True,
        env={**os.environ, "LD_PRELOAD": str(library())},
        check=False,
    )
    assert done.stderr == ""
    no_batch = "no memory for a batch of 20"
    assert done.stdout.splitlines() == ["no memory for the model", no_batch, ""]  # there is no second


@pytest.mark.slow
def test_each_allocation_of_the_program_fails_once_and_is_one_line(tmp_path):
    """With AddressSanitizer, which looks for leaks whenever the program ends."""
    program = built("build/asan/mlp-failing")
    recipe = tiny_recipe(data_folder(tmp_path / "few-names"), steps=3, train__eval_every=2)
    failures = 0
    for more in (["--restart"], ["--resume"]):
        for n in range(1, 1000):
            command = [str(program), *words(PROGRAM, recipe, tmp_path / "run", *more)[1:]]
            environment = {**os.environ, "FAIL_ALLOCATION": str(n)}
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
            if done.returncode == 0:
                break
            assert (done.returncode, done.stderr.splitlines()[-1][:18]) == (1, "mlp: out of memory"), (n, done)
            assert done.stderr.count("mlp: ") == 1, (n, done)
            failures += 1
    assert failures > 40
