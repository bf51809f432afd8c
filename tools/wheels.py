"""`make wheels`: an sdist, and from it wheels for Linux with glibc and musl on x86-64 and aarch64; in build/wheels.

The compiler is ziglang's, which has the C libraries and their old versions. No foreign Python is needed: what is
compiled uses Python's stable ABI, which the interpreter itself brings, and its headers are the same on 64-bit Linux.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tools import readme

OUT = readme.ROOT / "build" / "wheels"
TARGETS = {  # the platform tag of a wheel: what ziglang compiles for
    "manylinux_2_17_x86_64": "x86_64-linux-gnu.2.17",
    "manylinux_2_17_aarch64": "aarch64-linux-gnu.2.17",
    "musllinux_1_2_x86_64": "x86_64-linux-musl",
    "musllinux_1_2_aarch64": "aarch64-linux-musl",
}
NATIVE = "manylinux_2_17_x86_64"  # gcc compiles a kernel for each kind of CPU, and ziglang only links
BUILD = (sys.executable, "-m", "build", "--no-isolation")


def main() -> int:
    shutil.rmtree(OUT, ignore_errors=True)
    archive = sdist(OUT)
    for tag in TARGETS:
        print(wheel(archive, OUT, tag), flush=True)
    return 0


def sdist(out: Path, source: Path = readme.ROOT) -> Path:
    """The sdist of a checkout, in the folder `out`."""
    _run(*BUILD, "--sdist", "--outdir", out, source)
    return next(out.glob("*.tar.gz"))


def wheel(archive: Path, out: Path, tag: str | None = None) -> Path:
    """The wheel of an sdist, in the folder `out`: for a tag of TARGETS, or by this machine's compiler for itself."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        (source,) = Path(folder).iterdir()
        foreign = [f"--config-setting=--build-option=--plat-name={tag}"] if tag else []
        _run(*BUILD, "--wheel", "--outdir", folder, *foreign, source, **(_tools(tag) if tag else {}))
        (built,) = Path(folder).glob("*.whl")
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(built, out / built.name))


def _tools(tag: str) -> dict[str, str]:
    """What setuptools compiles and links with, and the order to fail rather than to leave the kernels out."""
    zig = shlex.join([sys.executable, "-m", "ziglang", "cc", "-target", TARGETS[tag], "-Wno-pass-failed"])
    if tag == NATIVE:
        libgcc = subprocess.check_output(["gcc", "-print-libgcc-file-name"], text=True).strip()
        return {"NNZ_NEEDS_C": "1", "CC": "gcc", "LDSHARED": f"{zig} -shared -s {libgcc}"}
    # Python has loaded musl before, under a name that depends on the system
    libc = "-nolibc" if "musl" in tag else ""
    return {"NNZ_NEEDS_C": "1", "CC": zig, "LDSHARED": f"{zig} -shared -s {libc}"}


def _run(*command: str | Path, **environment: str) -> None:
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command[:5]))} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
