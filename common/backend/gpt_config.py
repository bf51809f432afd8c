"""Which GPT: the sizes and the switches that tell the course's from GPT-2's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import checks

CHOICES = {
    "activation": ("relu", "gelu"),
    "norm": ("layer", "rms"),
    "attention": ("spelled out", "fused"),
    "dtype": checks.DTYPES,
}
EPS = 1e-5  # of every norm
LARGEST_MATRIX = 2**60  # numbers; torch cannot count the bytes of more


@dataclass(frozen=True)
class GPTConfig:
    """V, T, the depth and the width of a GPT. The defaults are the course's GPT; `GPTConfig.gpt2()` has GPT-2's shape,
    `GPTConfig.microgpt()` microgpt's.

    Raises TypeError for a field of the wrong type, ValueError for a value that makes no model.
    """

    vocab_size: int  # V
    context_length: int = 256  # T, the most tokens the model sees at once
    n_layer: int = 6
    n_head: int = 6
    n_embd: int = 384  # E; each head has E / n_head of it
    dropout: float = 0.2  # of attention weights and of what attention and feed-forward add to the residual stream
    embedding_dropout: float = 0.0  # of the sum of both embeddings, as GPT-2 has it
    activation: str = "relu"  # "gelu" is the tanh approximation, as in GPT-2
    qkv_bias: bool = False
    linear_bias: bool = True  # in attention's projection and in both layers of the feed-forward
    head_bias: bool = True
    tied_head: bool = False  # the head's weight is the token embedding (Press and Wolf 2017)
    norm_first: bool = False  # the norm outside the blocks is of what goes into them, not of what comes out
    norm: str = "layer"  # "rms" takes no mean off, and has no weights (Zhang and Sennrich 2019)
    attention: str = "fused"  # torch's own kernel, or "spelled out": the same numbers up to rounding
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context_length", "n_layer", "n_head", "n_embd"):
            checks.positive_int(name, getattr(self, name))
        checks.heads(self.n_embd, self.n_head)
        if self.n_embd * max(self.vocab_size, self.context_length, 4 * self.n_embd) >= LARGEST_MATRIX:
            raise ValueError(
                f"vocab_size = {self.vocab_size}, context_length = {self.context_length} and n_embd = {self.n_embd} "
                "make a matrix that fits into no memory; take smaller ones"
            )
        for name in ("dropout", "embedding_dropout"):
            if checks.non_negative(name, getattr(self, name)) >= 1:
                raise ValueError(f"{name} must be below 1; got {getattr(self, name)}")
        for name in ("qkv_bias", "linear_bias", "head_bias", "tied_head", "norm_first"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be true or false; got {getattr(self, name)!r}")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be {' or '.join(map(repr, known))}; got {getattr(self, name)!r}")

    def intermediates(self, B: int, T: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of what lies between weights and gradients, in order of computation, for ids (B, T)."""
        c, x, logits, wide = self, (B, T, self.n_embd), (B, T, self.vocab_size), (B, T, 4 * self.n_embd)
        block = {"x": x, "h1": x, "qkv": (B, T, 3, c.n_embd), "probs": (B, c.n_head, T, T), "y": x}
        block |= {"x_mid": x, "h2": x, "a_pre": wide, "a": wide}
        forward = {f"blocks.{layer}.{name}": shape for layer in range(c.n_layer) for name, shape in block.items()}
        # x is what the norm outside the blocks takes, h what the head takes
        forward = {"x": x} | forward | {"h": x} if c.norm_first else forward | {"x": x, "h": x}
        forward |= {"logits": logits, "probs": logits}
        return forward | {f"d{name}": forward[name] for name in reversed(forward) if not name.endswith("probs")}

    @classmethod
    def gpt2(cls, **changes: Any) -> GPTConfig:
        """GPT-2's shape, 124M parameters unless `changes` say otherwise (Radford et al. 2019): GELU, biases, tied."""
        sizes = {"vocab_size": 50257, "context_length": 1024, "n_layer": 12, "n_head": 12, "n_embd": 768}
        shape: dict[str, Any] = {"activation": "gelu", "qkv_bias": True, "head_bias": False, "tied_head": True}
        return cls(**shape | sizes | {"dropout": 0.1, "embedding_dropout": 0.1} | changes)

    @classmethod
    def microgpt(cls, **changes: Any) -> GPTConfig:
        """microgpt's shape, 4,192 parameters unless `changes` say otherwise (Karpathy 2026): RMS norms, no biases."""
        sizes = {"vocab_size": 27, "context_length": 16, "n_layer": 1, "n_head": 4, "n_embd": 16, "dropout": 0.0}
        shape: dict[str, Any] = {"norm": "rms", "norm_first": True, "linear_bias": False, "head_bias": False}
        return cls(**shape | sizes | changes)
