"""`make platforms`: build build/mlp for other processors and C libraries, run it, by an emulator where needed, and
compare what it computes; writes docs/platforms.md.

What is not installed is left out, and a line says so. Exits with 1 if two differ.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from nnz.files import tensor_file
from tools import readme

NAMES = readme.ROOT / "common" / "data" / "names"
WASI = readme.ROOT / "tools" / "wasi.mjs"
SIZES = ("--hidden-size", "48", "--embedding-size", "12", "--batch-size", "32", "--count", "2")
BLOCKS = ("--n-layer", "2", "--n-head", "2", "--n-embd", "16", "--context-length", "16", "--dropout", "0.1")
GPT2 = ("--shape", "gpt2")  # GELU, a tied head
GPT_SIZES = ("--model", "gpt", *BLOCKS, "--eval-batches", "4", "--tokens", "40")


@dataclass(frozen=True)
class Platform:
    """What to compile for, with which compiler and options, and the command that runs it, such as an emulator's."""

    name: str
    compiler: tuple[str, ...]
    options: str = ""
    emulator: str = ""
    cannot_run: str = ""  # why not, where nothing here can

    @property
    def missing(self) -> str:
        """What is not installed; empty if nothing is."""
        lacking = [tool for tool in (self.compiler[0], *self.emulator.split()[:1]) if not shutil.which(tool)]
        lacking += ["ziglang"] if "ziglang" in self.compiler and not find_spec("ziglang") else []
        return " and ".join(lacking)


def zig(target: str) -> tuple[str, ...]:
    """The C compiler of ziglang, for a target."""
    return (sys.executable, "-m", "ziglang", "cc", "-target", target, "-Wno-pass-failed")


NATIVE = [
    Platform(f"x86-64, glibc, {compiler} {options}", (compiler,), options)
    for compiler in ("gcc", "clang")
    for options in ("-O3", "-O0", "-O1", "-O2", "-O3 -march=native")
]
FOREIGN = [
    Platform("x86-64, musl", ("musl-gcc",), "-static"),
    Platform("aarch64, glibc", ("aarch64-linux-gnu-gcc",), "-static", "qemu-aarch64"),
    Platform("32-bit ARM, glibc", ("arm-linux-gnueabihf-gcc",), "-static -mfpu=neon-vfpv4", "qemu-arm"),
    Platform("riscv64, glibc", ("riscv64-linux-gnu-gcc",), "-static", "qemu-riscv64"),
    Platform("ppc64le, glibc", ("powerpc64le-linux-gnu-gcc",), "-static", "qemu-ppc64le"),
    # its gcc says in C11 that a float is computed as a double, though the processor does not
    Platform("s390x (big-endian), glibc", ("s390x-linux-gnu-gcc",), "-static -fexcess-precision=fast", "qemu-s390x"),
    Platform("i686 with SSE2, glibc", ("i686-linux-gnu-gcc",), "-static -msse2 -mfpmath=sse", "qemu-i386"),
    Platform("i686 with x87, glibc", ("i686-linux-gnu-gcc",), "-static -mno-sse", "qemu-i386"),
]
WASM = Platform("WebAssembly, WASI, clang of zig", zig("wasm32-wasi"), "-msimd128", f"node --no-warnings {WASI}")
WITH_ZIG = [
    WASM,
    Platform("aarch64, musl, clang of zig", zig("aarch64-linux-musl"), "-static", "qemu-aarch64"),
    Platform("riscv64, musl, clang of zig", zig("riscv64-linux-musl"), "-static", "qemu-riscv64"),
    Platform("x86-64, Windows, clang of zig", zig("x86_64-windows-gnu"), "", "wine"),
    Platform("arm64, macOS, clang of zig", zig("aarch64-macos"), "", "", "compiled; nothing here can run it"),
]
FIGURES = ("strict parameters", "the GPT's", "float64 log", "the GPT's log", "drawn weights")


def main() -> int:
    found: dict[str, dict[str, str]] = {}
    rows = []
    for platform in [*NATIVE, *FOREIGN, *WITH_ZIG]:
        if platform.missing:
            print(f"{platform.name}: left out, {platform.missing} is not installed", file=sys.stderr)
            continue
        program, refusal = build(platform)
        if program is None or platform.cannot_run:
            cells = [refusal or platform.cannot_run, *[""] * (len(FIGURES) - 1)]
        else:
            found[platform.name] = values = figures(platform, program, program.with_name(f"{program.name}-runs"))
            first = next(iter(found.values()))
            shown = {
                name: f"`{values[name][:16]}`" for name in FIGURES if values is first or values[name] != first[name]
            }
            cells = [shown.get(name, "the same") for name in FIGURES]
        rows.append(f"| {platform.name} | {' | '.join(cells)} |")
        print(rows[-1], flush=True)
    same = len({tuple(values.values()) for values in found.values()}) == 1
    head = [f"| | {' | '.join(FIGURES)} |", "|---|" + "---|" * len(FIGURES)]
    how = "all wrote the same" if same else "**not** all wrote the same"
    intro = f"By `make platforms` on {date.today()}: {len(found)} builds, and {how}.\n\n"
    readme.replace("platforms", intro + "\n".join([*head, *rows]), readme.DOCS / "platforms.md")
    return 0 if same else 1


def build(platform: Platform) -> tuple[Path | None, str]:
    """The program, or why there is none: what an #error in the sources says."""
    target = readme.ROOT / "build" / "platforms" / f"{re.sub(r'[^a-zA-Z0-9]+', '-', platform.name)}.exe"
    target.parent.mkdir(parents=True, exist_ok=True)
    settings = [f"CC={shlex.join(platform.compiler)}", f"EXTRA={platform.options}", "WARNINGS="]
    command = ["make", "--silent", "-B", str(target.relative_to(readme.ROOT)), *settings]
    done = subprocess.run(command, cwd=readme.ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return target, ""
    said = re.search(r'#error "(.*)"', done.stderr)
    return None, f"refused: {said[1] if said else done.stderr[-300:]}"


def figures(platform: Platform, program: Path, out: Path, steps: int = 200) -> dict[str, str]:
    """SHA-256 of what it writes: MLP and GPT after `steps` in strict float32, the logs of both, and weights."""
    shutil.rmtree(out, ignore_errors=True)

    def train(name: str, *words: str, steps: int) -> Path:
        often = ("--steps", str(steps), "--eval-every", str(max(1, steps // 4)))
        command = [*platform.emulator.split(), program, "--data", NAMES, *words, *often, "--out", out / name]
        subprocess.run(command, capture_output=True, check=True, env={**os.environ, "WINEDEBUG": "-all"})
        return out / name

    strict = train("strict", *SIZES, "--precision", "strict", steps=steps)
    strict_gpt = train("strict-gpt", *GPT_SIZES, *GPT2, "--precision", "strict", steps=steps)
    log = train("float64", *SIZES, "--dtype", "float64", steps=2 * steps) / "log.csv"
    gpt = train("gpt", *GPT_SIZES, "--dtype", "float64", steps=steps // 5)
    drawn = train("drawn", *SIZES, "--lr", "1e-300", steps=1)  # too small a step for a weight to move
    written = [log.read_bytes(), (gpt / "log.csv").read_bytes() + (gpt / "samples.txt").read_bytes()]
    logs = [hashlib.sha256(content).hexdigest() for content in written]
    return dict(zip(FIGURES, (*map(_parameters, (strict, strict_gpt)), *logs, _parameters(drawn)), strict=True))


def _parameters(run: Path) -> str:
    return tensor_file.metadata(run / "checkpoint.safetensors")["parameters_sha256"]


if __name__ == "__main__":
    sys.exit(main())
