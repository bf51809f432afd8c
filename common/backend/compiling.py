"""Whether a model can be compiled by torch.compile, asked before torch would find out itself."""

from __future__ import annotations

import os
import shutil
import sys

from ..numbers import precisions
from . import checks

COMPILERS = {"darwin": "clang++", "win32": "cl"}  # elsewhere g++


def checked(compile: object, device: str = "cpu", precision: str = precisions.NATIVE, in_torch: bool = True) -> bool:
    """Return `compile`. Raises TypeError if it is no bool, ValueError if it is True and the backend is not torch, the
    precision strict, or on a CPU no C++ compiler there: the program $CXX, else the system's."""
    if not checks.flag("compile", compile):
        return False
    if not in_torch:
        raise ValueError("only torch can compile a model: leave compile out, or take the backend torch")
    if precision == precisions.STRICT:
        raise ValueError("torch.compile does not keep precision 'strict': leave compile out, or take native")
    compiler = os.environ.get("CXX") or COMPILERS.get(sys.platform, "g++")
    if device == "cpu" and shutil.which(compiler) is None:
        raise ValueError(
            f"torch.compile needs a C++ compiler, and there is no program {compiler!r}: install one (Debian: apt "
            "install g++), name it in CXX, or leave compile out"
        )
    return True
