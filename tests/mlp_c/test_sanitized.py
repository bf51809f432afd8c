"""The sanitizers are at work: an overrun and a misaligned access are reported. In `make test-asan` alone."""

import subprocess
import sys

import pytest

CANARY = """
import numpy as np
from nnz.c.binding.library import kernel, pointer, ffi
x, y = np.zeros(5000, np.float32), np.zeros(5000, np.float32)
kernel("tanh_forward", "float32")({y}, pointer(x), {n})
print("not seen")
"""
CANARIES = {
    "an overrun": (CANARY.format(y="pointer(y)", n=5001), "heap-buffer-overflow"),
    "a misaligned write": (
        CANARY.format(y="ffi.cast('float *', ffi.cast('char *', pointer(y)) + 1)", n=10),
        "misaligned",
    ),
}


@pytest.mark.parametrize("what", CANARIES)
def test_a_canary_is_seen(what):
    code, report = CANARIES[what]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "not seen" not in done.stdout
    assert report in done.stderr
