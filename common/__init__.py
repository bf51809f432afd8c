"""nnz: one small language model in C, numpy and PyTorch, proved to compute the same numbers."""

from .numbers.rng import RNG
from .text.datasets import load_dataset

__version__ = "0.1.0"
__all__ = ["RNG", "__version__", "load_dataset"]
