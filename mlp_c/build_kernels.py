"""Tells cffi (API mode) what to compile into nnz.c._kernels: the headers are read, so nothing is declared twice."""

import re
import sys
from pathlib import Path

from cffi import FFI

HERE = Path("mlp_c")  # setuptools runs this in the project's root, and wants relative paths
HEADERS = ("ops.h", "matmul.h", "mlp.h")
FLAGS = ["-std=c11", "-O3", "-fno-math-errno", "-ffp-contract=fast", "-fopenmp-simd"]


def declarations(dtype: str, real: str) -> str:
    """The headers without their preprocessor lines, with real and NAME(...) replaced for one dtype."""
    text = "".join((HERE / header).read_text() for header in HEADERS)
    names = re.findall(r"#define (\w+) NAME\(\1\)", text)
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(rf"\b({'|'.join(names)})\b", rf"\1_{dtype}", text)
    return re.sub(r"\breal\b", real, text)


DECLARATIONS = declarations("float32", "float") + declarations("float64", "double")

ffi = FFI()
ffi.cdef(DECLARATIONS)
ffi.set_source(
    "nnz.c._kernels",
    "#include <stddef.h>\n#include <stdint.h>\n" + DECLARATIONS,
    sources=[str(HERE / "float32.c"), str(HERE / "float64.c")],
    depends=[str(path) for pattern in ("*.h", "*.c", "ops/*.c") for path in sorted(HERE.glob(pattern))],
    extra_compile_args=[] if sys.platform == "win32" else FLAGS,
    optional=True,  # without a compiler everything but nnz.c is installed
)
