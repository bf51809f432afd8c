"""On a CPU without AVX2, emulated by qemu-user: the same binaries run, and float64 gives the same nine decimals."""

import os
import platform
import shutil
import subprocess
import sys

import pytest
from support.built_program import ROOT, built

OLD = ["qemu-x86_64", "-cpu", "Nehalem"]  # x86-64-v2, the least that numpy's own wheels run on
SMALL = {"steps": 3, "eval-every": 1, "batch-size": 16, "embedding-size": 8, "hidden-size": 40, "count": 3}
USES_AVX2 = """
#include <immintrin.h>
int main(int n, char **words) {
    return _mm256_movemask_epi8(_mm256_abs_epi8(_mm256_set1_epi8((char)n))) + words[0][0] == 0;
}
"""
SCRIPT = """
import numpy, nnz, nnz.c as nn
from numpy._core._multiarray_umath import __cpu_features__
names = nnz.load_dataset("names")
model = nn.MLP(27, 3, 8, 40, rng=nnz.RNG(1337), dtype="float64")
optim = nn.AdamW(model.parameters(), lr=1e-3)
for inputs, targets in names.train.batches(context_length=3, batch_size=16, steps=5):
    print(f"{model(inputs, targets)[1]:.9f}")
    optim.step(model.backward())
single = nn.MLP(27, 3, 8, 40, rng=nnz.RNG(1337), dtype="float32")
assert numpy.isfinite(single(inputs, targets)[1])
print("AVX2" if __cpu_features__["AVX2"] else "no AVX2")
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which(OLD[0]) is None, reason="qemu-user is not installed (Debian: apt install qemu-user)"
    ),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="an old x86 CPU is emulated for programs of x86-64"),
]


def run(*command):
    chosen = "OPENBLAS_CORETYPE"  # kernels that a user chose for this CPU, and the emulated one may lack
    alone = {name: value for name, value in os.environ.items() if name != chosen} | {"OMP_NUM_THREADS": "1"}
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, env=alone)


def test_the_emulated_cpu_refuses_avx2(tmp_path):
    program = tmp_path / "uses-avx2"
    compiler = os.environ.get("CC", "cc")
    compiled = subprocess.run(
        [compiler, "-mavx2", "-x", "c", "-", "-o", program], input=USES_AVX2, text=True, check=False
    )
    assert compiled.returncode == 0
    assert run(*OLD, program).returncode != 0  # an illegal instruction
    assert run(OLD[0], "-cpu", "max", program).returncode == 0


def test_the_c_program_trains_as_on_this_cpu(tmp_path):
    program = built()
    logs = []
    for name, emulator in (("here", []), ("there", OLD)):
        out = tmp_path / name
        flags = {"data": ROOT / "common/data/names", "dtype": "float64", "out": out, **SMALL}
        done = run(*emulator, program, *(word for key, value in flags.items() for word in (f"--{key}", value)))
        assert done.returncode == 0, done.stderr
        logs.append(((out / "log.csv").read_text(), (out / "samples.txt").read_text()))
    assert logs[0] == logs[1]
    assert logs[0][0].count("\n") == 4


def test_the_python_extension_trains_as_on_this_cpu():
    pytest.importorskip("nnz.c._kernels", reason="the C kernels are not built")
    here, there = (run(*emulator, sys.executable, "-c", SCRIPT) for emulator in ([], OLD))
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    *losses, features = there.stdout.splitlines()
    assert losses == here.stdout.splitlines()[:-1]
    assert (len(losses), features) == (5, "no AVX2")
