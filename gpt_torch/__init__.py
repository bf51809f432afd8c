"""nnz's GPT in PyTorch: the model, generation, and the exchange with Hugging Face transformers. Read gpt.py first."""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError(
        "nnz.gpt needs torch, which is not installed; install it with: pip install 'nnz[torch]'"
    ) from None

from .cache import Cache
from .choosing import Choice
from .config import GPTConfig
from .exchange import from_hf, to_hf
from .generation import generate, stream
from .gpt import GPT
from .maps import attention_maps

__all__ = ["GPT", "Cache", "Choice", "GPTConfig", "attention_maps", "from_hf", "generate", "stream", "to_hf"]
