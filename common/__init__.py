"""nnz: one small language model in C, numpy and PyTorch, proved to compute the same numbers."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .numbers.rng import RNG
    from .text.datasets import load_dataset

__version__ = "0.1.0"
__all__ = ["RNG", "__version__", "load_dataset"]

_LAZY = {"RNG": ".numbers.rng", "load_dataset": ".text.datasets"}  # both need numpy, which `nnz --help` does not


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
