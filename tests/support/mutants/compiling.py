"""The mutated C kernels, compiled from the sources that the project's build names, but quickly.

Each file is compiled once, and for a mutant only those again that include the file with the bug.
"""

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
    """What all mutants share, compiled once: cffi's wrapper, made from the project's own headers, and the kernels."""

    def __init__(self, scratch: Path) -> None:
        extension = _extension(scratch)
        wrapper, *sources = sorted(extension.sources, key=lambda file: "_kernels" not in Path(file).name)
        self.sources = [file.removeprefix("mlp_c/").replace("gpt_c/", "gpt/") for file in sources]
        self.wrapper = scratch / "wrapper.o"
        include = ["-I", sysconfig.get_path("include")]
        _run([*compiler(), "-O1", "-fPIC", "-w", "-DPy_LIMITED_API=0x03090000", *include, "-c", wrapper], self.wrapper)
        self.unchanged: dict[str, tuple[Path, str]] = {}  # by source: its object, and the names of what it is made of

    def prepare(self, folder: Path) -> None:
        """Compile the unchanged kernels in `folder`. Raises RuntimeError if it cannot be done."""
        self.unchanged = {source: (self._object(folder, source), _parts(folder, source)) for source in self.sources}

    def compile(self, folder: Path, changed: str | None = None) -> None:
        """Link the kernels in `folder`, of which one file may differ from the unchanged ones, into _kernels there.

        Raises RuntimeError if it cannot be done.
        """
        objects = []
        for source in self.sources:
            kept, parts = self.unchanged.get(source, (None, ""))
            is_same = kept is not None and (changed is None or Path(changed).name not in parts)
            objects.append(str(kept if is_same else self._object(folder, source)))
        _run([*compiler(), "-shared", "-pthread", *objects, str(self.wrapper), "-lm"], folder / "_kernels.abi3.so")

    @staticmethod
    def _object(folder: Path, source: str) -> Path:
        target = folder / f"{source.replace('/', '-')}.o"
        _run([*compiler(), *FLAGS, "-c", str(folder / source)], target)
        return target


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


def _parts(folder: Path, source: str) -> str:
    """The rule that the compiler writes for make: the source and every file that it includes."""
    command = [*compiler(), *FLAGS, "-MM", str(folder / source)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
