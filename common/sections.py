"""The sections of a recipe: every setting, its default, and what it may be."""

from __future__ import annotations

from dataclasses import dataclass

from .assembly import MODELS, OPTIMIZERS
from .schedules import SCHEDULES
from .settings import LARGEST_SEED, backend_name, integer, number, one_of, setting, shares, switch, text
from .tokenizers import KINDS


@dataclass(frozen=True)
class Data:
    """Which text, and how it is cut into splits, tokens and windows; min_count is of words."""

    name: str = setting("names", text("a known data set, a text file or a folder"))
    windows: str = setting("stream", one_of("stream", "padded"))
    split: str = setting("lines", one_of("lines", "position"))
    tokenizer: str = setting("char", one_of(*KINDS))
    min_count: int = setting(1, integer(1))
    fractions: tuple[float, ...] = setting((0.9, 0.05, 0.05), shares())


@dataclass(frozen=True)
class Model:
    """The shape of the model; hidden_layers, skips and batch_norm are of `residual`, smoothing of `bigram-counts`."""

    kind: str = setting("mlp", one_of(*MODELS))
    context_length: int = setting(3, integer(1))
    embedding_size: int = setting(48, integer(1))
    hidden_size: int = setting(512, integer(1))
    hidden_layers: int = setting(8, integer(1))
    skips: bool = setting(True, switch())
    batch_norm: bool = setting(True, switch())
    smoothing: float = setting(1.0, number(0.0, above=True))
    dtype: str = setting("float32", one_of("float32", "float64"))


@dataclass(frozen=True)
class Optimizer:
    """The optimizer and its learning rate."""

    name: str = setting("adamw", one_of(*OPTIMIZERS))
    lr: float = setting(7e-4, number(0.0, above=True))
    weight_decay: float = setting(1e-4, number(0.0))
    schedule: str = setting("cosine", one_of(*SCHEDULES))


@dataclass(frozen=True)
class Train:
    """How long, on which batches, and how often it is judged; an empty backend stands for the default one."""

    batch_size: int = setting(128, integer(1))
    order: str = setting("sequential", one_of("sequential", "random"))
    steps: int = setting(50_000, integer(1))
    eval_every: int = setting(200, integer(1))
    eval_batches: int = setting(20, integer(1))
    seed: int = setting(1337, integer(1, LARGEST_SEED))
    backend: str = setting("", backend_name())


@dataclass(frozen=True)
class Sample:
    """What is drawn from the model after training; top_k = 0 keeps the whole vocabulary."""

    count: int = setting(20, integer(0))
    seed: int = setting(42, integer(1, LARGEST_SEED))
    new: bool = setting(True, switch())
    temperature: float = setting(1.0, number(0.0))
    top_k: int = setting(0, integer(0))


SECTIONS = {"data": Data, "model": Model, "optimizer": Optimizer, "train": Train, "sample": Sample}
