"""The ports of microgpt: each prints, to the last digit, what the reference prints."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import microgpt_by_torch

from nnz.commands.main import main

ROOT = Path(__file__).resolve().parents[2]
PORTS = ROOT / "examples" / "microgpt"
GOLDEN = (ROOT / "tests" / "support" / "golden" / "microgpt.txt").read_text(encoding="utf-8").splitlines()
HOME = os.environ.get("NNZ_DATA_HOME")

# What the reference, 200 lines of Python by Andrej Karpathy, prints; the golden lines have what is between.
LOSSES = {1: "3.3660", 2: "3.4243", 3: "3.1778", 4: "3.0664", 5: "3.2209", 1000: "2.6497"}
NAMES = (
    "kamon ann karai jaire vialan karia yeran anna areli kaina "
    "konna keylen liole alerin earan lenne kana lara alela anton"
)

pytestmark = pytest.mark.slow
needs_names = pytest.mark.skipif(not HOME, reason="NNZ_DATA_HOME is unset: it names the folder with the text to check")


def found(tool):
    return shutil.which(tool) or pytest.skip(f"{tool} is not installed")


def compiled(folder, *command, **settings):
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [str(folder / "microgpt")]


def javascript(folder):
    return [found("node"), str(PORTS / "microgpt.js")]


def lua(folder):
    return [found("lua5.4"), str(PORTS / "microgpt.lua")]


def cpp(folder):
    options = ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Wshadow", "-o", folder / "microgpt"]
    return compiled(folder, found("c++"), *options, PORTS / "microgpt.cpp")


def python(folder):
    return [sys.executable, str(PORTS / "microgpt.py")]


def go(folder):
    command = [found("go"), "build", "-o", folder / "microgpt", PORTS / "microgpt.go"]
    return compiled(folder, *command, GOCACHE=str(folder / "cache"), GOTOOLCHAIN="local", GOFLAGS="")


FAST = (javascript, lua, cpp, go)
LANGUAGES = (*FAST, python)


def group(language):
    return pytest.param(language, id=language.__name__, marks=pytest.mark.xdist_group(language.__name__))


@pytest.fixture(scope="module", params=map(group, FAST))
def fast_port(request, tmp_path_factory):
    """The command that starts the port; the one in Python takes minutes for all steps."""
    return request.param(tmp_path_factory.mktemp("port"))


@pytest.fixture(scope="module", params=map(group, LANGUAGES))
def port(request, tmp_path_factory):
    """The command that starts the port."""
    return request.param(tmp_path_factory.mktemp("port"))


def run(port, *words):
    return subprocess.run([*port, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


@needs_names
def test_a_port_prints_every_loss_and_name_of_the_reference(fast_port):
    done = run(fast_port, Path(HOME) / "makemore-names.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == GOLDEN


@needs_names
def test_the_referee_finds_a_port_equal(fast_port, capsys):
    command = shlex.join([*fast_port, str(Path(HOME) / "makemore-names.txt")])
    assert main(["referee", "--cmd", command]) == 0
    assert capsys.readouterr().out.endswith("names: 20 of the 20 are microgpt's\n")


@needs_names
def test_the_scalars_begin_as_the_reference_does(capsys):
    command = shlex.join([*python(PORTS), str(Path(HOME) / "makemore-names.txt")])
    assert main(["referee", "--cmd", command, "--steps", "25"]) == 0
    assert capsys.readouterr().out == (
        "read: 25 losses, steps 1 to 25, with 4 decimals\n"
        "equal: every loss that was read is microgpt's, to the last printed digit\n"
    )


def test_a_port_takes_other_names_and_a_number_of_steps(port, tmp_path):
    (tmp_path / "names").write_text("ab\nabcabcabcabcabcabcabc\n\nc\r\n", encoding="utf-8")
    done = run(port, tmp_path / "names", 7)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == list(microgpt_by_torch.lines(tmp_path / "names", 7))


@pytest.mark.parametrize("words", [[], ["missing"], ["empty"], ["one", 0], ["one", "many"]], ids=str)
def test_a_port_says_in_one_line_how_it_is_called(port, tmp_path, words):
    (tmp_path / "one").write_text("ab\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    done = run(port, *(tmp_path / word if n == 0 else word for n, word in enumerate(words)))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("usage: ")


@needs_names
def test_the_golden_lines_are_those_of_pytorch_and_of_the_reference():
    assert list(microgpt_by_torch.lines(Path(HOME) / "makemore-names.txt")) == GOLDEN
    assert len(GOLDEN) == 1020
    for step, loss in LOSSES.items():
        assert GOLDEN[step - 1] == f"step {step:4d} / 1000 | loss {loss}"
    assert GOLDEN[1000:] == NAMES.split()


def test_a_port_is_one_file_of_at_most_250_lines():
    ports = [path for path in PORTS.iterdir() if path.suffix != ".md"]
    assert len(ports) == len(LANGUAGES)
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 250 for path in ports)


def test_the_go_is_as_gofmt_writes_it():
    done = subprocess.run([found("gofmt"), "-l", PORTS], capture_output=True, text=True, check=True)
    assert done.stdout == ""
