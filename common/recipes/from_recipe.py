"""From the words of a recipe to a model and an optimizer of whatever backend is passed in as `nn`."""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..backend import registry
from ..backend.initial import mlp_shapes
from ..backend.language_model import LanguageModel
from ..backend.optimizers import NoOptimizer
from ..files.errors import UsageError
from ..numbers.precisions import NATIVE
from ..numbers.rng import RNG
from . import ladder_shapes
from .counts import bigram_counts, smoothed_logits
from .ladder import RUNGS

if TYPE_CHECKING:
    from .recipe import Recipe

LARGEST_COUNT = 2**40


def model(nn: ModuleType, recipe: Recipe, vocab_size: int, device: str = "cpu") -> Any:
    """Return the recipe's model with the initial weights that its seed draws.

    Raises MemoryError if it is too large, ValueError if its sizes contradict each other.
    """
    _refuse_foreign(recipe)
    count = sum(math.prod(shape) for shape in parameter_shapes(recipe, vocab_size).values())
    if count > LARGEST_COUNT:  # beyond this numpy says "array is too big" where it means out of memory
        raise MemoryError(f"{count:,} parameters")
    settings, rng = recipe.model, RNG(recipe.train.seed)
    if settings.kind == GPT:
        return registry.gpt(nn).model(recipe, vocab_size, device)
    draw = {"rng": rng, "dtype": settings.dtype, **_strictly(recipe)}
    if settings.kind == MLP:
        return nn.MLP(**_mlp_sizes(recipe, vocab_size), **draw, device=device)
    layers = RUNGS[settings.kind](nn, settings, vocab_size, **draw)
    return LanguageModel(nn, layers, vocab_size, settings.context_length, device, **_strictly(recipe))


def parameter_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the parameters of the recipe's model, without building it.

    Raises ValueError if its sizes contradict each other, and ImportError where torch is not there for a GPT.
    """
    if recipe.model.kind == GPT:
        return _gpt().parameter_shapes(recipe, vocab_size)
    if recipe.model.kind == MLP:
        return mlp_shapes(**_mlp_sizes(recipe, vocab_size))
    return _outlined(recipe, vocab_size).parameters


def buffer_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the buffers, the running statistics, as `parameter_shapes` does."""
    return {} if recipe.model.kind in (MLP, GPT) else _outlined(recipe, vocab_size).buffers


def moment_shapes(recipe: Recipe, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of what the recipe's optimizer keeps, as `parameter_shapes` does: m.wte, v.wte ..."""
    if recipe.model.kind == GPT:
        return _gpt().moment_shapes(recipe, vocab_size)
    moments = MOMENTS.get(recipe.optimizer.name, ())
    shapes = parameter_shapes(recipe, vocab_size)
    return {f"{moment}.{name}": shape for moment in moments for name, shape in shapes.items()}


def fit(model: Any, recipe: Recipe, dataset: Any) -> None:
    """Give a model of closed form its parameters, from the training split; leave any other as it was drawn."""
    if recipe.model.kind == COUNTED:
        counts = bigram_counts(dataset.train.cut(1), dataset.tokenizer.vocab_size)
        model.load_parameters({"0.weight": smoothed_logits(counts, recipe.model.smoothing)})


def optimizer(nn: ModuleType, recipe: Recipe, model: Any) -> Any:
    """Return the recipe's optimizer of the model's parameters."""
    settings = recipe.optimizer
    if recipe.model.kind == GPT:
        return _gpt().optimizer(recipe, model)
    if settings.name == NONE:
        return NoOptimizer()
    how = {"betas": (0.9, settings.beta2)} if settings.name == ADAMW else {}
    make = getattr(nn, OPTIMIZERS[settings.name])
    return make(model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, **how, **_strictly(recipe))


def _strictly(recipe: Recipe) -> dict[str, str]:
    """What a backend is told of precision: nothing of the native one, for one from elsewhere may know no other."""
    return {} if recipe.model.precision == NATIVE else {"precision": recipe.model.precision}


def _gpt() -> ModuleType:
    return registry.gpt(registry.load("torch"))


def _refuse_foreign(recipe: Recipe) -> None:
    """Raises UsageError for a setting that means nothing to the recipe's model, and so would be passed over."""
    if recipe.model.precision != NATIVE and recipe.model.dtype == "float64":
        raise UsageError("model.precision = 'strict' rounds to float32; drop it, or model.dtype = 'float64'")
    if recipe.model.kind == GPT:
        _refuse_for_gpt(recipe)
        return
    if recipe.optimizer.name == MUON:
        raise UsageError(f"optimizer.name = 'muon' is of gpt alone; take another for {recipe.model.kind}")
    for section, keys in OF_GPT.items():
        for key in _changed(getattr(recipe, section), keys):
            raise UsageError(f"{section}.{key} is of gpt alone; leave it out for {recipe.model.kind}")


def _refuse_for_gpt(recipe: Recipe) -> None:
    sizes, train = recipe.model, recipe.train
    if recipe.optimizer.name not in (ADAMW, MUON):
        raise UsageError(f"optimizer.name = {recipe.optimizer.name!r} is not for gpt; it takes {ADAMW} or {MUON}")
    for key in _changed(sizes, NOT_OF_GPT):
        raise UsageError(f"model.{key} means nothing to a gpt; leave it out")
    if sizes.embedding_size % sizes.heads:
        raise UsageError(
            f"model.embedding_size = {sizes.embedding_size} does not come out even among model.heads = {sizes.heads}; "
            f"take a multiple of {sizes.heads}"
        )
    if recipe.data.windows != "stream":
        raise UsageError("data.windows = 'padded' is not for gpt, which would learn the padding; take stream")
    if train.autocast == "on" and sizes.dtype == "float64":
        raise UsageError("train.autocast computes in bfloat16 what model.dtype = 'float64' asks for; drop one of them")


def _changed(settings: Any, keys: tuple[str, ...]) -> list[str]:
    """Return those of the keys that are not what they are by default."""
    return [key for key in keys if getattr(settings, key) != getattr(type(settings)(), key)]


def _outlined(recipe: Recipe, vocab_size: int) -> ladder_shapes.Outline:
    return RUNGS[recipe.model.kind](ladder_shapes, recipe.model, vocab_size, rng=None, dtype=recipe.model.dtype)


def _mlp_sizes(recipe: Recipe, vocab_size: int) -> dict[str, int]:
    return {
        "vocab_size": vocab_size,
        "context_length": recipe.model.context_length,
        "embedding_size": recipe.model.embedding_size,
        "hidden_size": recipe.model.hidden_size,
    }


MLP = "mlp"  # the one model that every backend spells out
GPT = "gpt"  # the one that needs autograd
COUNTED = "bigram-counts"
ADAMW, MUON, NONE = "adamw", "muon", "none"
MODELS = (MLP, *RUNGS, GPT)
MOMENTS = {ADAMW: ("m", "v")}
OF_GPT = {
    "model": ("shape", "layers", "heads", "dropout", "embedding_dropout", "attention"),
    "optimizer": ("decay", "clip"),
    "train": ("parts", "autocast", "compile", "deterministic"),
}
NOT_OF_GPT = ("precision", "hidden_size", "hidden_layers", "skips", "batch_norm", "smoothing")
OPTIMIZERS = {ADAMW: "AdamW", "sgd": "SGD", MUON: "Muon", NONE: ""}  # name in a recipe -> name in every backend
