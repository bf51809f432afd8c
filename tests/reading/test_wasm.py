"""What the page "train" computes with: the WebAssembly that comes with nnz is that of the sources, and small."""

import gzip
import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from nnz.reading.page.train import WASM

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("Makefile", "make", "mlp_c", "gpt_c")
IMPORTS = """const wasm = await require("fs").promises.readFile(process.argv[1]);
console.log(JSON.stringify(WebAssembly.Module.imports(await WebAssembly.compile(wasm))));"""


@pytest.mark.slow
def test_the_sources_give_these_bytes_in_any_folder(tmp_path):
    if not find_spec("ziglang"):
        pytest.skip("ziglang is not installed: pip install ziglang")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    command = ["make", "--silent", "--old-file", ".venv/dev", "--old-file", ".venv/core", "build/nnz.wasm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    built = (tmp_path / "build" / "nnz.wasm").read_bytes()
    assert built == WASM.read_bytes(), (
        "the C has changed: run make wasm, and make reading-proof if it computes otherwise"
    )


def test_it_is_small_and_asks_the_page_for_nothing_but_wasi():
    assert len(gzip.compress(WASM.read_bytes())) <= 300_000
    if shutil.which("node") is None:
        pytest.skip("no node: apt-get install nodejs")
    script = f"(async () => {{ {IMPORTS} }})()"
    done = subprocess.run(["node", "-e", script, str(WASM)], capture_output=True, check=True)
    assert {one["module"] for one in json.loads(done.stdout)} == {"wasi_snapshot_preview1"}
