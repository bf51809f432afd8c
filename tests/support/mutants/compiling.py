"""The mutated C kernels, compiled from the sources that the project's build names, but quickly."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
# On one thread. Of what -O2 does only this is needed: to contract multiply-adds where the sources let it.
CONTRACTING = ["-ffp-contract=off", "-fexpensive-optimizations"]
FLAGS = ["-std=c11", "-O1", *CONTRACTING, "-fno-math-errno", "-fopenmp-simd", "-pthread", "-fPIC", "-w"]


class Kernels:
    """What all mutants share, compiled once: cffi's wrapper, made from the project's own headers."""

    def __init__(self, scratch: Path) -> None:
        extension = _extension(scratch)
        wrapper, *sources = sorted(extension.sources, key=lambda file: "_kernels" not in Path(file).name)
        self.sources = [file.removeprefix("mlp_c/").replace("gpt_c/", "gpt/") for file in sources]
        self.wrapper = scratch / "wrapper.o"
        include = ["-I", sysconfig.get_path("include")]
        _run([*compiler(), "-O1", "-fPIC", "-w", "-DPy_LIMITED_API=0x03090000", *include, "-c", wrapper], self.wrapper)

    def compile(self, folder: Path) -> None:
        """Compile the kernels in `folder` into the module _kernels there. Raises RuntimeError if it cannot be done."""
        sources = [str(folder / name) for name in self.sources]
        _run([*compiler(), *FLAGS, "-shared", *sources, str(self.wrapper), "-lm"], folder / "_kernels.abi3.so")


def compiler() -> list[str]:
    """The C compiler's command."""
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


def _extension(scratch: Path) -> Any:
    """What mlp_c/binding/build_kernels.py, which must be run in the project's root, tells setuptools to build."""
    quiet = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        ffi = runpy.run_path("mlp_c/binding/build_kernels.py")["ffi"]
        return ffi.distutils_extension(tmpdir=str(scratch))


def _run(command: list[str], target: Path) -> None:
    done = subprocess.run([*command, "-o", str(target)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
