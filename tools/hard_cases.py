"""`make hard-cases`: find the float32 inputs for which float64 is not enough to round tanh, exp and log; takes minutes.

Writes mlp_c/strict/hard_cases.h and common/numbers/hard_cases.py. x is a hard case of f if a float64 result with an
error of up to 16 ULP could round to another float32 than f(x) does. Given a float64 function with at most this error,
f(x) is its rounded result, or the table's value if x is a hard case. The search is complete: hard_cases.c goes over all
2^32 inputs with a margin four times as wide, and measures the largest error of the float64 function that it uses.
"""

from __future__ import annotations

import struct
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import mpmath

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build" / "hard_cases"
HEADER = ROOT / "mlp_c" / "strict" / "hard_cases.h"
MODULE = ROOT / "common" / "numbers" / "hard_cases.py"

FUNCTIONS = {"tanh": mpmath.tanh, "exp": mpmath.exp, "log": mpmath.log}
MARGIN_LOG2 = -48  # 16 ULP of float64: an ULP is at most 2^-52 of the number
WIDEST_LOG2 = -46  # MARGIN in the C program
DIGITS = 80
SIGN, INFINITY = 0x80000000, 0x7F800000
SAYS = "Written by `make hard-cases`, which says what a hard case is; `make test-hardcases` finds them all again."
NOTE = "From the bits of a float32 x to those of the float32 nearest to f(x)."


class Found(NamedTuple):
    """What the search over all float32 inputs of a function found."""

    candidates: dict[int, int]  # bits of x -> bits of the correctly rounded f(x)
    hard: dict[int, int]  # the candidates that are hard cases
    farthest: float  # largest error of the float64 results, in units of 2^-52
    seconds: float


def find(name: str) -> Found:
    """Search all inputs. Raises ValueError if the float64 function is not good enough to find every hard case."""
    began = time.monotonic()
    command = [PROGRAM, "candidates", name]
    *lines, last = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    farthest = float(last.split()[1])
    if not farthest < 2.0 ** (52 + WIDEST_LOG2) - 2.0 ** (52 + MARGIN_LOG2):
        raise ValueError(f"the C library's {name} has errors of up to {farthest} ULP, so hard cases may be missed")
    candidates = {x: correctly_rounded(name, x) for x in sorted(int(line, 16) for line in lines)}
    hard = {x: y for x, y in candidates.items() if is_hard(name, x)}
    return Found(candidates, hard, farthest, time.monotonic() - began)


def correctly_rounded(name: str, x: int) -> int:
    """The bits of the float32 nearest to f(x), where x are the bits of a float32 and f(x) is not rational."""
    nearest = _around(name, x, mpmath.mpf(10) ** (5 - DIGITS))
    if len(nearest) != 1:
        raise ValueError(f"{DIGITS} digits are not enough for {name} of {x:#x}")
    return nearest.pop()


def is_hard(name: str, x: int) -> bool:
    """Whether f(x) with an error of the margin, up or down, rounds to two different float32 numbers."""
    return len(_around(name, x, mpmath.mpf(2) ** MARGIN_LOG2)) == 2


def _around(name: str, x: int, off: mpmath.mpf) -> set[int]:
    with mpmath.workdps(DIGITS):
        (value,) = struct.unpack("f", struct.pack("I", x))
        y = FUNCTIONS[name](mpmath.mpf(value))
        return {nearest_float32(y * (1 - off)), nearest_float32(y * (1 + off))}


def nearest_float32(y: mpmath.mpf) -> int:
    """The bits of the float32 nearest to y, which is not 0; of two equally near, those of the even one."""
    _, exponent = mpmath.frexp(y)
    spacing = max(exponent - 24, -149)  # log2 of the distance from one float32 to the next
    whole = int(mpmath.nint(mpmath.ldexp(abs(y), -spacing)))  # at most 2^24; nint takes the even of two
    return (SIGN if y < 0 else 0) | min((spacing + 149 << 23) + whole, INFINITY)


def c_header(tables: dict[str, dict[int, int]]) -> str:
    """The C header: the tables as sorted arrays."""
    parts = [
        f"// hard_cases.h: the float32 inputs for which a float64 tanh, exp or log is not enough.\n// {SAYS}",
        "#ifndef NNZ_HARD_CASES_H\n#define NNZ_HARD_CASES_H\n\n#include <stdint.h>",
        f"// A float64 result this far off, relatively, may round to another float32.\n"
        f"#define HARD_MARGIN 0x1p{MARGIN_LOG2}",
        f"// {NOTE}\ntypedef struct {{\n    uint32_t x, y;\n}} HardCase;\n\n// clang-format off",
    ]
    for name, cases in tables.items():
        pairs = (f"{{{x:#010x}, {y:#010x}}}" for x, y in cases.items())
        parts.append(
            f"enum {{ HARD_{name.upper()}_COUNT = {len(cases)} }};\n"
            f"static const HardCase HARD_{name.upper()}[HARD_{name.upper()}_COUNT] = {{\n{_rows(pairs)}\n}};"
        )
    return "\n\n".join([*parts, "// clang-format on\n\n#endif\n"])


def python_module(tables: dict[str, dict[int, int]]) -> str:
    """The Python module: the tables as dicts."""
    parts = [
        f'"""The float32 inputs for which a float64 tanh, exp or log is not enough.\n\n{SAYS}\n{NOTE}\n"""',
        f"MARGIN = 2.0**{MARGIN_LOG2}  # a float64 result this far off, relatively, may round to another float32\n\n"
        "# fmt: off",
    ]
    for name, cases in tables.items():
        pairs = (f"{x:#010x}: {y:#010x}" for x, y in cases.items())
        parts.append(f"{name.upper()} = {{\n{_rows(pairs)}\n}}")
    return "\n\n".join([*parts, "# fmt: on\n"])


def _rows(pairs: Iterable[str]) -> str:
    pairs = list(pairs)
    return "\n".join("    " + ", ".join(pairs[i : i + 4]) + "," for i in range(0, len(pairs), 4))


def main() -> None:
    """Search, and write both files."""
    tables = {}
    for name in FUNCTIONS:
        found = find(name)
        tables[name] = found.hard
        print(describe(name, found), flush=True)
    HEADER.write_text(c_header(tables))
    MODULE.write_text(python_module(tables))


def describe(name: str, found: Found) -> str:
    """One line that sums up the search."""
    return (
        f"{name}: {len(found.hard)} hard cases of {len(found.candidates)} candidates; "
        f"the largest error of a float64 result is {found.farthest:.4f} x 2^-52; {found.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
