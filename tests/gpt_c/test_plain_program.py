"""The GPT in plain C: operations that compile alone, and a program that is read at a sitting and trains as nnz does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nnz.backend import registry

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
C = ROOT / "gpt_c"
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
HIDDEN = r"strict|precision|Native|DISPATCH|#pragma|restrict|\bomp\b"
OPS = sorted(path.stem for path in (C / "ops").glob("*.c"))
# The recipe is for two minutes of a fast kernel: here is less of it, said to both programs.
SMALLER = {
    "E = 128": ("E = 32", "model.n_embd=32"),
    "LAYERS = 4": ("LAYERS = 2", "model.n_layer=2"),
    "B = 12": ("B = 5", "train.batch_size=5"),
    "EVAL_EVERY = 250": ("EVAL_EVERY = 4", "train.eval_every=4"),
    "EVAL_BATCHES = 100": ("EVAL_BATCHES = 3", "train.eval_batches=3"),
    "TOKENS = 500": ("TOKENS = 100", "sample.tokens=100"),
}

each_compiler = pytest.mark.parametrize("compiler", ["gcc", "clang"], indirect=True)
each_real = pytest.mark.parametrize("real", ["float", "double"])


@pytest.fixture
def compiler(request):
    return shutil.which(request.param) or pytest.skip(f"{request.param} is not installed")


def written(path):
    """Some lines of names as one running text, with a tab, which comes before the newline."""
    lines = (ROOT / "common" / "data" / "names" / "val.txt").read_text(encoding="utf-8")
    path.write_text(lines[:9_999] + "\tend", encoding="utf-8")
    return path


@pytest.mark.parametrize("op", OPS)
@each_real
@each_compiler
def test_an_operation_compiles_alone(compiler, real, op, tmp_path):
    source, target = C / "ops" / f"{op}.c", tmp_path / f"{op}.o"
    subprocess.run([compiler, *WARNINGS, f"-DREAL={real}", "-c", str(source), "-o", str(target)], check=True)


def test_an_operation_is_its_loops_and_nothing_else():
    for path in (C / "ops").iterdir():
        source = path.read_text(encoding="utf-8")
        assert not re.search(HIDDEN, source), path
        code = re.sub(r"//.*", "", source)
        calls = set(re.findall(r"\b(\w+)\(", code)) - set(re.findall(r"^void (\w+)\(", source, re.MULTILINE))
        assert calls - {"for", "if"} <= {"exp", "log", "sqrt", "tanh"}, path


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
    assert {C / "ops" / "attention.c", C / "gpt.c", ROOT / "mlp_c" / "ops" / "linear.c"} < files
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 700


@each_real
@each_compiler
def test_the_plain_program_compiles_without_a_warning(compiler, real, tmp_path):
    command = [compiler, *WARNINGS, "-O3", f"-DREAL={real}", str(C / "train.c"), "-lm", "-o", str(tmp_path / "train")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """A text, and what the program prints that is trained on it, with the smaller sizes."""
    place, source = tmp_path_factory.mktemp("program"), (C / "train.c").read_text(encoding="utf-8")
    for constant, (smaller, _) in SMALLER.items():
        assert source.count(constant) == 1
        source = source.replace(constant, smaller)
    (place / "smaller.c").write_text(source, encoding="utf-8")
    subprocess.run(["cc", "-O3", f"-I{C}", "smaller.c", "-lm", "-o", "train"], cwd=place, check=True)
    text = written(place / "text.txt")
    return text, subprocess.run(["./train", text, "10"], cwd=place, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("backend", registry.available())
def test_the_plain_program_prints_the_log_and_the_text_of_nnz_train(printed, tmp_path, backend):
    text, expected = printed
    settings = [word for _, setting in SMALLER.values() for word in ("--set", setting)]
    command = [sys.executable, "-m", "nnz", "train", "gpt-cpu", "--data", str(text), "--dtype", "float64"]
    more = ["--backend", backend, "--steps", "10", "--threads", "1", "--out", str(tmp_path / "run")]
    done = subprocess.run([*command, *more, *settings], capture_output=True, text=True, check=True)
    log, sample = ((tmp_path / "run" / file).read_text(encoding="utf-8") for file in ("log.csv", "samples.txt"))
    assert expected == f"{log}\n{sample}\n{done.stdout.splitlines()[-1]}\n"


@pytest.mark.parametrize(
    ("content", "arguments", "code", "message"),
    [
        (b"", [], 2, "usage: train TEXT"),
        (b"", ["{}", "0"], 2, "usage: train TEXT"),
        (None, ["{}"], 1, "must be a text of 641"),
        (b"a" * 640, ["{}"], 1, "must be a text of 641"),
        ("é".encode() * 400, ["{}"], 1, "holds a character that is not ASCII"),
        (b"a\r\n" * 300, ["{}"], 1, "holds a character that is not ASCII"),
        (b"a\0" * 400, ["{}"], 1, "holds a character that is not ASCII"),
    ],
)
def test_the_plain_program_refuses_bad_input_in_one_line(content, arguments, code, message, tmp_path):
    subprocess.run(["cc", str(C / "train.c"), "-lm", "-o", str(tmp_path / "train")], check=True)
    if content is not None:
        (tmp_path / "text").write_bytes(content)
    words = [word.format(tmp_path / "text") for word in arguments]
    done = subprocess.run([tmp_path / "train", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert message in done.stderr
