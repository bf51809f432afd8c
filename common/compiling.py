"""Whether a model can be compiled by torch.compile, asked before torch would find out itself."""

from __future__ import annotations

import os
import shutil
import sys

from . import checks, precisions


def checked(compile: object, in_torch: bool = True, precision: str = precisions.NATIVE) -> bool:
    """Return `compile`. Raises TypeError if it is no bool, ValueError if it is True and the backend is not torch, the
    precision strict, or no C++ compiler ($CXX, else the system's) there."""
    if not checks.flag("compile", compile):
        return False
    if not in_torch:
        raise ValueError("only torch can compile a model: leave compile out, or take the backend torch")
    if precision == precisions.STRICT:
        raise ValueError("torch.compile does not keep precision 'strict': leave compile out, or take native")
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler.split()[0]) is None:
        raise ValueError(
            f"torch.compile needs a C++ compiler, and there is no {compiler}: install one (Debian: apt install g++), "
            "or leave compile out"
        )
    return True
