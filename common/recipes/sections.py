"""The sections of a recipe: every setting, its default, and what it may be."""

from __future__ import annotations

from dataclasses import dataclass

from ..backend.schedules import SCHEDULES
from ..numbers.precisions import NATIVE, PRECISIONS
from ..text.tokenizers import KINDS
from .models import MODELS, OPTIMIZERS
from .settings import LARGEST_SEED, backend_name, fraction, fractions, integer, number, one_of, setting, switch, text


@dataclass(frozen=True)
class Data:
    """Which text, and how it becomes splits, tokens and windows; min_count is for words.

    A `list` has an item on each line; a running `text` has none, and nothing ends it. A `stream` is the whole text, one
    token after the other; `padded` lines and `documents` are each on their own, the documents for `gpt` alone.
    """

    name: str = setting("names", text("a known data set, a text file or a folder"))
    kind: str = setting("list", one_of("list", "text"))
    windows: str = setting("stream", one_of("stream", "padded", "documents"))
    split: str = setting("lines", one_of("lines", "python", "position"))
    tokenizer: str = setting("char", one_of(*KINDS))
    min_count: int = setting(1, integer(1))
    fractions: tuple[float, ...] = setting((0.9, 0.05, 0.05), fractions())


@dataclass(frozen=True)
class Model:
    """The shape of the model; hidden_layers, skips and batch_norm are for `residual`, smoothing for `bigram-counts`.

    The settings after precision are for `gpt`: see nnz.backend.gpt_config.
    """

    kind: str = setting("mlp", one_of(*MODELS))
    context_length: int = setting(3, integer(1))
    embedding_size: int = setting(48, integer(1))
    hidden_size: int = setting(512, integer(1))
    hidden_layers: int = setting(8, integer(1, 1_000))
    skips: bool = setting(True, switch())
    batch_norm: bool = setting(True, switch())
    smoothing: float = setting(1.0, number(0.0, above=True))
    dtype: str = setting("float32", one_of("float32", "float64"))
    precision: str = setting(NATIVE, one_of(*PRECISIONS))
    shape: str = setting("course", one_of("course", "gpt2", "microgpt"))
    n_layer: int = setting(6, integer(1, 1_000))
    n_head: int = setting(6, integer(1))
    n_embd: int = setting(384, integer(1))
    dropout: float = setting(0.2, number(0.0, below=1.0))
    embedding_dropout: float = setting(0.0, number(0.0, below=1.0))
    attention: str = setting("fused", one_of("fused", "spelled out"))

    @property
    def predicts_every_position(self) -> bool:
        """Whether it predicts the token after each position of the context, or only after the last one."""
        return MODELS[self.kind].predicts_every_position


@dataclass(frozen=True)
class Optimizer:
    """The optimizer and its learning rate, which rises from 0 over the first `warmup` steps; beta2 is for `adamw`.

    Only for `gpt`: beta1, which parameters decay, and the norm to which the whole gradient is clipped (0: not clipped).
    """

    name: str = setting("adamw", one_of(*OPTIMIZERS))
    lr: float = setting(7e-4, number(0.0, above=True))
    weight_decay: float = setting(1e-4, number(0.0))
    schedule: str = setting("cosine", one_of(*SCHEDULES))
    warmup: int = setting(0, integer(0))
    beta1: float = setting(0.9, number(0.0, below=1.0))
    beta2: float = setting(0.999, number(0.0, below=1.0))
    decay: str = setting("all", one_of("all", "matrices"))
    clip: float = setting(0.0, number(0.0))


@dataclass(frozen=True)
class Train:
    """How many steps, on which batches, and how often it is evaluated; an empty backend means the default one.
    As "gpu" it is torch on a GPU, and without one the default.

    `init` is a run whose weights come first, instead of those that the seed draws.

    An evaluation takes eval_batches of train. Of val `all` takes every target once; `batches` as many full batches as
    the split has tokens for, as the published runs do; `drawn` eval_batches, the same ones each time. `step` does as
    `drawn`, but of train it takes the batch of the step.
    Only for `gpt` in torch: a batch in several parts, in bfloat16, compiled (auto: on CUDA), deterministic.
    """

    batch_size: int = setting(128, integer(1))
    order: str = setting("sequential", one_of("sequential", "random"))
    steps: int = setting(50_000, integer(1))
    eval_every: int = setting(200, integer(1))
    eval_batches: int = setting(20, integer(1))
    evaluation: str = setting("all", one_of("all", "batches", "drawn", "step", whole="batches"))
    seed: int = setting(1337, integer(1, LARGEST_SEED))
    backend: str = setting("", backend_name())
    init: str = setting("", text("a run folder or a checkpoint"))
    parts: int = setting(1, integer(1))
    autocast: str = setting("auto", one_of("auto", "on", "off"))
    compile: str = setting("auto", one_of("auto", "on", "off"))
    deterministic: bool = setting(False, switch())


@dataclass(frozen=True)
class Sample:
    """The samples after training; top_k = 0 and top_p = 1 keep the whole vocabulary.

    Each sample has this many tokens; with 0 it ends with its line, and has 200 characters of a running text.
    """

    count: int = setting(20, integer(0))
    seed: int = setting(42, integer(1, LARGEST_SEED))
    new: bool = setting(True, switch())
    temperature: float = setting(1.0, number(0.0))
    top_k: int = setting(0, integer(0))
    top_p: float = setting(1.0, fraction())
    tokens: int = setting(0, integer(0))


SECTIONS = {"data": Data, "model": Model, "optimizer": Optimizer, "train": Train, "sample": Sample}
