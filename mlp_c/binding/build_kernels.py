"""Tells cffi (API mode) what to compile into nnz.c._kernels: the headers are read, so nothing is declared twice."""

import os
import re
import sys
from pathlib import Path

from cffi import FFI

MLP, GPT = Path("mlp_c"), Path("gpt_c")  # setuptools runs this in the project's root, and needs relative paths
KERNELS = {  # each set of kernels by name: its source in each of the folders, and what `real` is
    "float32": ("fast/float32.c", "float"),
    "float64": ("fast/float64.c", "double"),
    "strict": ("strict/strict.c", "float"),
    "plain_float32": ("binding/plain_float32.c", "float"),
    "plain_float64": ("binding/plain_float64.c", "double"),
}
DTYPES = ("float32", "float64")  # of the fast kernels
SHARED = ("strict/tally.c", "fast/threads.c")
HEADERS = {MLP: ("ops/ops.h", "mlp.h"), GPT: ("ops/ops.h", "config.h", "gpt.h")}
FLAGS = ["-std=c11", "-O3", "-fno-math-errno", "-ffp-contract=off", "-fopenmp-simd", "-pthread"]


def declarations(kernels: str, real: str) -> str:
    """The headers without their preprocessor lines, with `real` and each NAME(...) replaced for one set of kernels."""
    names = "".join((folder / "kernels.h").read_text() for folder in (MLP, GPT))
    names = re.findall(r"#define (\w+) NAME\(\1\)", names)
    text = "".join((folder / header).read_text() for folder in (MLP, GPT) for header in HEADERS[folder])
    text = re.sub(r"^(#|typedef REAL).*\n", "", text, flags=re.MULTILINE)
    text = re.sub(rf"\b({'|'.join(names)})\b", rf"\1_{kernels}", text)
    return re.sub(r"\breal\b", real, text)


DECLARATIONS = (
    "".join(declarations(kernels, real) for kernels, (_, real) in KERNELS.items())
    + "void set_threads(int n);\nvoid tally_read(double *rounded, double *summed);\n"
    + re.sub(r"^#.*\n", "", (MLP / "fast/block_sizes.h").read_text(), flags=re.MULTILINE)
    + "".join(f"extern const BlockSizes {of}block_sizes_{dtype}[];\n" for of in ("", "gpt_") for dtype in DTYPES)
)
BUILT_WITH = f"""
{(MLP / "fast/dispatch.h").read_text()}
static const char *instruction_set(void) {{ return INSTRUCTIONS; }}
#if defined(__clang__)
static const char *built_with(void) {{ return "clang " __VERSION__ " {" ".join(FLAGS)}"; }}
#elif defined(__GNUC__)
static const char *built_with(void) {{ return "gcc " __VERSION__ " {" ".join(FLAGS)}"; }}
#else
static const char *built_with(void) {{ return "a compiler that is neither gcc nor clang"; }}
#endif
"""

ffi = FFI()
ffi.cdef(DECLARATIONS + "const char *built_with(void);\nconst char *instruction_set(void);\n")
ffi.set_source(
    "nnz.c._kernels",
    "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n" + DECLARATIONS + BUILT_WITH,
    sources=[
        *(str(folder / source) for source, _ in KERNELS.values() for folder in (MLP, GPT)),
        *(str(MLP / source) for source in SHARED),
    ],
    depends=[
        str(path)
        for folder in (MLP, GPT)
        for path in sorted(folder.rglob("*.[ch]"))
        if path.parent.name not in ("program", "web")
    ],
    extra_compile_args=[] if sys.platform == "win32" else FLAGS,
    extra_link_args=[] if sys.platform == "win32" else ["-pthread"],
    optional="NNZ_NEEDS_C" not in os.environ,  # without a compiler everything but nnz.c is installed
)
