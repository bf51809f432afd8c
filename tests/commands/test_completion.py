"""Completion: what a shell is told could come next, and that bash, zsh and fish take it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent  # where nnz and register-python-argcomplete are


def completed(line, folder):
    """What nnz tells a shell in which `line` was typed."""
    told = folder / "told"
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(told)}
    environment = {**os.environ, **asked, "COMP_LINE": line, "COMP_POINT": str(len(line))}
    done = subprocess.run([sys.executable, "-m", "nnz"], cwd=folder, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {word.strip() for word in told.read_text(encoding="utf-8").split("\n")}


@pytest.mark.parametrize(
    ("line", "among"),
    [
        ("nnz tr", {"train"}),
        ("nnz bench-", {"bench-gpt"}),
        ("nnz train na", {"names", "names-best", "namegen"}),
        ("nnz train names --ba", {"--backend"}),
        ("nnz train names --backend n", {"numpy"}),
        ("nnz train names --data tiny", {"tinyshakespeare"}),
        ("nnz parity c n", {"numpy"}),
        ("nnz sample runs/", {"runs/demo"}),
        ("nnz train names --init r", {"runs/demo"}),
        ("nnz data ge", {"get"}),
        ("nnz export runs/demo --to ", {"pth", "hf"}),
        ("nnz train --device c", {"cpu", "cuda"}),
        ("nnz train my", {"my.toml"}),
    ],
)
def test_what_could_come_next(line, among, tmp_path):
    (tmp_path / "my.toml").touch()
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    (tmp_path / "runs" / "demo" / "checkpoint.safetensors").touch()
    (tmp_path / "runs" / "no-run").mkdir()
    assert completed(line, tmp_path) == among


BASH = """eval "$(register-python-argcomplete nnz)"
COMP_WORDS=(nnz train na) COMP_CWORD=2 COMP_LINE="nnz train na" COMP_POINT=12 COMP_TYPE=9
_python_argcomplete nnz na train && printf "%s\n" "${COMPREPLY[@]}"
"""
ZSH = """autoload -U compinit && compinit -D -u && eval "$(register-python-argcomplete nnz)"
_describe() { print -l ${completions%%:*} }
BUFFER="nnz train na" CURSOR=12 words=(nnz train na)
$_comps[nnz]
"""
FISH = """register-python-argcomplete --shell fish nnz | source
complete --do-complete "nnz train na"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("shell", "script"), [("bash", BASH), ("zsh", ZSH), ("fish", FISH)])
def test_a_shell_offers_the_recipes(shell, script, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run([shell, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert {"names", "names-best", "namegen"} <= set(done.stdout.split()), done.stderr
