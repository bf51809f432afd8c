"""nnz: one small language model in C, numpy and PyTorch, proved to compute the same numbers."""

TYPE_CHECKING = False  # but true to type checkers
if TYPE_CHECKING:
    from .numbers.rng import RNG
    from .runs.generation import generate
    from .text.datasets import load_dataset

__version__ = "0.1.0"
STOPPED = "stopped before it was done; start it again"  # here: it is said before anything else can be imported
__all__ = ["RNG", "__version__", "generate", "load_dataset"]

# What needs numpy, which `nnz --help` does not
_LAZY = {"RNG": ".numbers.rng", "generate": ".runs.generation", "load_dataset": ".text.datasets"}


def __getattr__(name: str) -> object:
    from importlib import import_module  # here, so that a command answers Ctrl-C as soon as it can

    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
