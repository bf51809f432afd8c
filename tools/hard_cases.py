"""`make hard-cases`: the float32 inputs for which float64 is not enough to round tanh, exp and log; writes the tables.

x is a hard case of f if a float64 result that is up to 16 ULP off could round to another float32 than f(x) does. With a
float64 function that good, f(x) is its result, rounded, and for the hard cases what the tables say. None is missed: the
program hard_cases.c goes over all 2^32 inputs with a margin four times as wide, by a float64 function whose
largest error it measures.
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
HEADER = ROOT / "mlp_c" / "hard_cases.h"
MODULE = ROOT / "common" / "numbers" / "hard_cases.py"

FUNCTIONS = {"tanh": mpmath.tanh, "exp": mpmath.exp, "log": mpmath.log}
MARGIN_LOG2 = -48  # 16 ULP of float64: an ULP is at most 2^-52 of the number
WIDEST_LOG2 = -46  # MARGIN in the C program
DIGITS = 80
SIGN, INFINITY = 0x80000000, 0x7F800000
SAYS = "Written by `make hard-cases`, which says what a hard case is; `make test-hardcases` finds them all again."
NOTE = "From the bits of a float32 x to those of the float32 nearest to f(x)."


class Found(NamedTuple):
    """What going over all float32 inputs of a function brought."""

    candidates: dict[int, int]  # from the bits of x to those of the correctly rounded f(x)
    hard: dict[int, int]  # those of them that are hard cases
    farthest: float  # of the float64 results, in units of 2^-52
    seconds: float


def find(name: str) -> Found:
    """Goes over all inputs. Raises ValueError if the float64 function is too bad for none to be missed."""
    began = time.monotonic()
    command = [PROGRAM, "candidates", name]
    *lines, last = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    farthest = float(last.split()[1])
    if not farthest < 2.0 ** (52 + WIDEST_LOG2) - 2.0 ** (52 + MARGIN_LOG2):
        raise ValueError(f"the C library's {name} is up to {farthest} ULP off, and hard cases may be missed")
    candidates = {x: correctly_rounded(name, x) for x in sorted(int(line, 16) for line in lines)}
    hard = {x: y for x, y in candidates.items() if is_hard(name, x)}
    return Found(candidates, hard, farthest, time.monotonic() - began)


def correctly_rounded(name: str, x: int) -> int:
    """The bits of the float32 nearest to f(x), of the float32 with the bits x; x is no input whose f(x) is rational."""
    nearest = _around(name, x, mpmath.mpf(10) ** (5 - DIGITS))
    if len(nearest) != 1:
        raise ValueError(f"{DIGITS} digits are not enough for {name} of {x:#x}")
    return nearest.pop()


def is_hard(name: str, x: int) -> bool:
    """Whether f(x), off by the margin either way, rounds to two float32 numbers."""
    return len(_around(name, x, mpmath.mpf(2) ** MARGIN_LOG2)) == 2


def _around(name: str, x: int, off: mpmath.mpf) -> set[int]:
    with mpmath.workdps(DIGITS):
        (value,) = struct.unpack("f", struct.pack("I", x))
        y = FUNCTIONS[name](mpmath.mpf(value))
        return {nearest_float32(y * (1 - off)), nearest_float32(y * (1 + off))}


def nearest_float32(y: mpmath.mpf) -> int:
    """Its bits; of two numbers equally near, those of the even one. y is not 0."""
    _, exponent = mpmath.frexp(y)
    spacing = max(exponent - 24, -149)  # log2 of the distance from one float32 to the next
    whole = int(mpmath.nint(mpmath.ldexp(abs(y), -spacing)))  # at most 2^24; nint takes the even of two
    return (SIGN if y < 0 else 0) | min((spacing + 149 << 23) + whole, INFINITY)


def c_header(tables: dict[str, dict[int, int]]) -> str:
    """The tables as sorted arrays."""
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
    """The same as dicts."""
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
    """Writes both tables anew."""
    tables = {}
    for name in FUNCTIONS:
        found = find(name)
        tables[name] = found.hard
        print(describe(name, found), flush=True)
    HEADER.write_text(c_header(tables))
    MODULE.write_text(python_module(tables))


def describe(name: str, found: Found) -> str:
    """A line for people."""
    return (
        f"{name}: {len(found.hard)} hard cases of {len(found.candidates)} candidates; "
        f"the float64 results are at most {found.farthest:.4f} x 2^-52 off; {found.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
