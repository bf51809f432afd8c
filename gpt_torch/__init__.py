"""nnz's GPT in PyTorch: the model, training, generation, and the way to Hugging Face transformers and back.

Read gpt.py first.
"""

from nnz.backend.gpt_config import GPTConfig
from nnz.backend.registry import requires
from nnz.runs.generation import generate, stream

with requires("torch", __name__):
    import torch as _torch  # noqa: F401

from . import baseline, benchmark, graded
from .cache import Cache
from .exchange import from_hf, to_hf
from .gpt import GPT
from .language_model import LanguageModel
from .maps import attention_maps
from .optimizers import AdamW, Muon

__all__ = [
    "GPT",
    "AdamW",
    "Cache",
    "GPTConfig",
    "LanguageModel",
    "Muon",
    "attention_maps",
    "baseline",
    "benchmark",
    "from_hf",
    "generate",
    "graded",
    "stream",
    "to_hf",
]
