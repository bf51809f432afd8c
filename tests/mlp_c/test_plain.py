"""The plain C: operations that compile alone, a program that is read at a sitting, kernels that are graded."""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnz.backend import spec
from nnz.conformance.grading import grade
from nnz.conformance.levels import LEVELS

ROOT = Path(__file__).resolve().parents[2]
C = ROOT / "mlp_c"
NAMES = ROOT / "common" / "data" / "names"
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
HIDDEN = r"strict|precision|Native|DISPATCH|#pragma|restrict|\bomp\b"

each_compiler = pytest.mark.parametrize("compiler", ["gcc", "clang"], indirect=True)
each_real = pytest.mark.parametrize("real", ["float", "double"])


@pytest.fixture
def compiler(request):
    return shutil.which(request.param) or pytest.skip(f"{request.param} is not installed")


@pytest.mark.slow
@pytest.mark.parametrize("op", spec.MLP_OPS)
@each_real
@each_compiler
def test_an_operation_compiles_alone(compiler, real, op, tmp_path):
    wanted = [] if real == "double" else [f"-DREAL={real}"]
    source, target = C / "ops" / f"{op}.c", tmp_path / f"{op}.o"
    subprocess.run([compiler, *WARNINGS, *wanted, "-c", str(source), "-o", str(target)], check=True)


def test_an_operation_is_its_loops_and_nothing_else():
    for path in (C / "ops").iterdir():
        source = path.read_text(encoding="utf-8")
        assert not re.search(HIDDEN, source), path
        code = re.sub(r"//.*", "", source)
        calls = set(re.findall(r"\b(\w+)\(", code)) - {"for", "if", "sizeof"} - set(spec.MLP_FUNCTIONS)
        assert calls <= {"exp", "log", "sqrt", "tanh", "pow"}, path


def included_by(path):
    """The file and all files of the project that it includes, directly or by way of others."""
    found, left = set(), [path]
    while left:
        file = left.pop().resolve()
        if file not in found:
            found.add(file)
            names = re.findall(r'^#include "(.+)"$', file.read_text(encoding="utf-8"), re.MULTILINE)
            left += [file.parent / name for name in names]
    return found


def test_the_plain_program_is_read_at_a_sitting():
    files = included_by(C / "train.c")
    assert {C / "ops" / "linear.c", C / "mlp.c"} < files
    assert len(files) <= 10
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 450


def compiled(compiler, target, *flags):
    """train.c as a program, as its first lines say how to compile it."""
    command = [compiler, "-O3", *flags, str(C / "train.c"), "-lm", "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return target


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    return compiled("cc", tmp_path_factory.mktemp("plain") / "train")


@pytest.mark.slow
@each_real
@each_compiler
def test_the_plain_program_compiles_without_a_warning(compiler, real, tmp_path):
    program = compiled(compiler, tmp_path / "train", *WARNINGS, f"-DREAL={real}")
    done = subprocess.run([program, str(NAMES), "1"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("step,train_loss,val_loss,lr\n0,3.27639")


@pytest.mark.slow
@pytest.mark.parametrize("steps", [30, 800])
def test_the_plain_program_prints_the_log_and_the_names_of_nnz_train(steps, train, tmp_path):
    more = [] if steps == 800 else [str(steps)]  # 800 is what it takes by itself
    printed = subprocess.run([train, str(NAMES), *more], capture_output=True, text=True, check=True).stdout
    settings = ["--dtype", "float64", "--steps", str(steps), "--threads", "1", "--out", str(tmp_path)]
    command = [sys.executable, "-m", "nnz", "train", "names", *settings]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    log, names = ((tmp_path / file).read_text(encoding="utf-8") for file in ("log.csv", "samples.txt"))
    assert printed == f"{log}\n{names}\n{done.stdout.splitlines()[-1]}\n"


@pytest.mark.slow
def test_the_plain_program_prints_each_line_at_once_into_a_pipe_too(train):
    with subprocess.Popen([train, str(NAMES), "1000000"], stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(2)]  # its end is days away
        process.kill()
    assert lines[1].startswith("0,")


@pytest.mark.parametrize(
    ("arguments", "texts", "code", "message"),
    [
        ([], {}, 2, "usage: train DIR"),
        (["{}", "0"], {}, 2, "usage: train DIR"),
        (["{}"], {}, 1, "train.txt cannot be opened"),
        (["{}"], {"train": b"anna\nbob\n"}, 1, "val.txt cannot be opened"),
        (["{}"], {"train": b"a\n"}, 1, "train.txt must be a text of 4 to"),
        (["{}"], {"train": b"no line at all"}, 1, "train.txt must be a text of 4 to"),
        (["{}"], {"train": "andré\n".encode()}, 1, "train.txt holds a character"),
        (["{}"], {"train": b"anna\r\nbob\r\n"}, 1, "train.txt holds a character"),
        (["{}"], {"train": b"anna\nbob\n", "val": b"anna\nbert\n"}, 1, "val.txt holds a character"),
    ],
)
def test_the_plain_program_refuses_bad_input_in_one_line(arguments, texts, code, message, train, tmp_path):
    for split, text in texts.items():
        (tmp_path / f"{split}.txt").write_bytes(text)
    words = [word.format(tmp_path) for word in arguments]
    done = subprocess.run([train, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert message in done.stderr


@pytest.mark.slow
def test_the_plain_program_knows_every_character_of_its_text(train, tmp_path):
    for split in ("train", "val", "test"):  # the last character is nowhere else
        (tmp_path / f"{split}.txt").write_bytes(b"anna\nbob\nz")
    printed = subprocess.run([train, str(tmp_path), "1"], capture_output=True, text=True, check=True).stdout
    command = [sys.executable, "-m", "nnz", "train", "names", "--data", str(tmp_path), "--dtype", "float64"]
    settings = ["--steps", "1", "--set", "train.eval_every=200", "--threads", "1", "--out", str(tmp_path / "run")]
    subprocess.run([*command, *settings], capture_output=True, check=True)
    assert printed.startswith((tmp_path / "run" / "log.csv").read_text(encoding="utf-8"))


def test_the_plain_backend_runs_the_plain_kernels():
    import nnz.c
    from nnz.c import plain
    from nnz.c.binding.library import kernel, lib

    assert kernel("mlp_forward", "float32", "plain") is lib.mlp_forward_plain_float32
    x = np.linspace(-4, 4, 1001)
    by_the_c_library = [math.tanh(value) for value in x]
    assert plain.ops.tanh_forward(x).tolist() == by_the_c_library
    assert plain.Tanh()(x[None])[0].tolist() == by_the_c_library
    assert nnz.c.ops.tanh_forward(x).tolist() != by_the_c_library


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_the_plain_kernels_meet_the_parity_of_a_backend(level):
    report = grade("nnz.c.plain", [level], rounds=2)
    assert report.met == report.asked, report.failed
