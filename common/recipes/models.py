"""The table of models: how each kind of model is built from a recipe, its shapes, and the settings it refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from ..backend import registry
from ..backend.gpt_config import GPTConfig
from ..backend.initial import gpt_shapes, mlp_shapes
from ..backend.language_model import LanguageModel
from ..backend.optimizers import NoOptimizer
from ..backend.parameter_groups import ParameterGroups, is_inner
from ..files.errors import UsageError
from ..files.terminal import is_one_of_several
from ..numbers.precisions import NATIVE
from ..numbers.rng import RNG
from . import ladder, ladder_shapes, microgpt
from .ladder_shapes import LayerShapes, Shapes

OPTIMIZERS = {"adamw": "AdamW", "sgd": "SGD", "muon": "Muon", "none": ""}  # name in a recipe -> class in a backend
MOMENTS = {"adamw": ("m", "v"), "muon": ("m", "v")}

WIDTHS = ("model.embedding_size", "model.hidden_size")  # what only some kinds of model have
DEPTH = ("model.hidden_layers", "model.skips", "model.batch_norm")
GPT_SETTINGS = (
    *("model.shape", "model.n_layer", "model.n_head", "model.n_embd"),
    *("model.dropout", "model.embedding_dropout", "model.attention"),
    *("optimizer.beta1", "optimizer.decay", "optimizer.clip"),
    *("train.parts", "train.autocast", "train.compile", "train.deterministic"),
)
SHAPES = {"course": GPTConfig, "gpt2": GPTConfig.gpt2, "microgpt": GPTConfig.microgpt}
SPECIAL = (*WIDTHS, *DEPTH, "model.smoothing", "model.precision", *GPT_SETTINGS)


class Kind:
    """One kind of model, built from a nnz.recipes.recipe.Recipe for the backend `nn` and a vocabulary of size V."""

    optimizers: tuple[str, ...] = ("adamw", "sgd", "none")
    special: tuple[str, ...] = ()  # of the SPECIAL settings those that it has; the others must keep their defaults
    predicts_every_position = False  # it predicts the token after each position of the context, or only the last one
    ablations: Mapping[str, str] = {}  # switches that gradients are compared with and without, and what to call them

    def check(self, recipe: Any) -> None:
        """Raises UsageError for a setting that this kind would ignore, or that contradicts another."""
        kind, optimizer = recipe.model.kind, recipe.optimizer.name
        if optimizer not in self.optimizers:
            allowed = f"{', '.join(self.optimizers[:-1])} or {self.optimizers[-1]}"
            raise UsageError(f"optimizer.name = {optimizer!r} cannot train {kind}; take {allowed}")
        if recipe.data.windows == "documents" and not self.predicts_every_position:
            raise UsageError(f"data.windows = 'documents' is not for {kind}, which predicts one token; take padded")
        for name in SPECIAL:
            section, _, key = name.partition(".")
            settings = getattr(recipe, section)
            if not self.has(name) and getattr(settings, key) != getattr(type(settings)(), key):
                raise UsageError(f"{name} means nothing to {kind}; leave it out")

    def has(self, name: str) -> bool:
        """Tell whether a setting, such as "model.n_layer", means something to this kind."""
        return name not in SPECIAL or name in self.special

    def build(self, nn: ModuleType, recipe: Any, V: int, device: str) -> Any:
        """Return the model with the initial weights that the recipe's seed draws."""
        raise NotImplementedError

    def build_to_use(self, nn: ModuleType, recipe: Any, V: int, device: str) -> Any:
        """Return the same model, to sample from it and to judge it: where there is a faster one for that, that one."""
        return self.build(nn, recipe, V, device)

    def shapes(self, recipe: Any, V: int) -> LayerShapes:
        """Return the names and shapes of the parameters and buffers, without building the model."""
        raise NotImplementedError

    def moment_shapes(self, recipe: Any, V: int) -> Shapes:
        """Return the names and shapes of what the optimizer keeps: m.wte, v.wte ..."""
        moments, shapes = MOMENTS.get(recipe.optimizer.name, ()), self.shapes(recipe, V).parameters
        return {f"{moment}.{name}": shape for moment in moments for name, shape in shapes.items()}

    def optimizer(self, nn: ModuleType, recipe: Any, model: Any) -> Any:
        """Return the recipe's optimizer of the model's parameters."""
        o = recipe.optimizer
        if not OPTIMIZERS[o.name]:
            return NoOptimizer()
        betas = {"betas": (o.beta1, o.beta2)} if o.name in MOMENTS else {}
        make = getattr(nn, OPTIMIZERS[o.name])
        return make(model.parameters(), lr=o.lr, weight_decay=o.weight_decay, **betas, **_precision(recipe))

    def fit(self, recipe: Any, model: Any, dataset: Any) -> None:
        """Compute the parameters from the training split, where there is a formula for them."""


class MLP(Kind):
    """nn.MLP, the model that every backend writes out."""

    special = (*WIDTHS, "model.precision")

    def build(self, nn: ModuleType, recipe: Any, V: int, device: str) -> Any:
        place = {} if device == "cpu" else {"device": device}  # another's backend may know only the CPU
        return nn.MLP(**self._sizes(recipe, V), **_draw(recipe), **place)

    def shapes(self, recipe: Any, V: int) -> LayerShapes:
        return LayerShapes(mlp_shapes(**self._sizes(recipe, V)))

    @staticmethod
    def _sizes(recipe: Any, V: int) -> dict[str, int]:
        names = ("context_length", "embedding_size", "hidden_size")
        return {"vocab_size": V} | {name: getattr(recipe.model, name) for name in names}


class Layered(Kind):
    """A model of the backend's layers: a rung of the ladder."""

    def __init__(self, layers: Callable[..., Any], *special: str, ablations: Mapping[str, str] | None = None) -> None:
        self.layers, self.special, self.ablations = layers, ("model.precision", *special), ablations or {}

    def build(self, nn: ModuleType, recipe: Any, V: int, device: str) -> Any:
        layers = self.layers(nn, recipe.model, V, **_draw(recipe))
        return LanguageModel(nn, layers, V, recipe.model.context_length, device, **_precision(recipe))

    def shapes(self, recipe: Any, V: int) -> LayerShapes:
        return self.layers(ladder_shapes, recipe.model, V, rng=None, dtype=recipe.model.dtype)


class Counted(Layered):
    """A bigram whose table is counted, not trained."""

    def fit(self, recipe: Any, model: Any, dataset: Any) -> None:
        counts = ladder.bigram_counts(dataset.train.sliding_windows(1), dataset.tokenizer.vocab_size)
        model.load_parameters({"0.weight": ladder.smoothed_logits(counts, recipe.model.smoothing)})


class GPT(Kind):
    """nn.GPT, the model that every backend writes out; or, for what only torch can do, the module of nnz.gpt."""

    optimizers = ("adamw", "muon")
    special = (*GPT_SETTINGS, "model.precision")
    predicts_every_position = True

    def check(self, recipe: Any) -> None:
        super().check(recipe)
        sizes = recipe.model
        if sizes.n_embd % sizes.n_head:
            raise UsageError(
                f"model.n_embd = {sizes.n_embd} is not a multiple of model.n_head = {sizes.n_head}; "
                "each head has an equal part of it"
            )
        if recipe.data.windows == "padded":
            raise UsageError(
                "data.windows = 'padded' is not for gpt, which would learn the padding; take documents or stream"
            )
        if recipe.data.windows == "documents":
            _check_documents(recipe)
        if sizes.shape == "microgpt" and recipe.sample.seed != type(recipe.sample)().seed:
            raise UsageError("sample.seed means nothing to microgpt, which goes on drawing by train.seed; leave it out")
        if recipe.train.autocast == "on" and sizes.dtype == "float64":
            raise UsageError("train.autocast computes in bfloat16, not in model.dtype = 'float64'; drop one of them")
        if sizes.precision != NATIVE and recipe.optimizer.name == "muon":
            raise UsageError("optimizer.name = 'muon' has no model.precision = 'strict'; take adamw, or drop it")

    def build(self, nn: ModuleType, recipe: Any, V: int, device: str) -> Any:
        asked = next(_asked_of_torch(recipe), None)
        if asked and recipe.model.precision != NATIVE:
            raise UsageError(f"{asked} has no model.precision = {recipe.model.precision!r}; drop one of them")
        if registry.is_torch(nn) and (asked or device != "cpu") and recipe.model.precision == NATIVE:
            return self.module(recipe, V, device)
        if asked:
            raise UsageError(f"{asked} is of torch alone, and {nn.__name__} has none of it; take --backend torch")
        return self._written_out(nn, recipe, V, device)

    def build_to_use(self, nn: ModuleType, recipe: Any, V: int, device: str) -> Any:
        is_module = registry.is_torch(nn) and recipe.model.precision == NATIVE  # the module has a cache
        make = self.module if is_module else partial(self._written_out, nn)
        return make(recipe, V, device)

    def _written_out(self, nn: ModuleType, recipe: Any, V: int, device: str) -> Any:
        if not hasattr(nn, "GPT"):
            raise UsageError(f"{nn.__name__} has no GPT; write one, or take another backend")
        place = {} if device == "cpu" else {"device": device}
        config, seed = dataclasses.asdict(self.config(recipe, V)), recipe.train.seed
        if config["attention"] == GPTConfig.attention:  # torch's own switch: a GPT from elsewhere need not have it
            del config["attention"]
        return nn.GPT(**config, **place, rng=RNG(seed), dropout_seed=seed, **_precision(recipe))

    def module(self, recipe: Any, V: int, device: str) -> Any:
        """The GPT of nnz.gpt, a torch module, as the training loop holds a model."""
        t = recipe.train
        how = {"autocast": t.autocast, "compile": t.compile, "deterministic": t.deterministic}
        new = registry.gpt().LanguageModel.new
        return new(self.config(recipe, V), RNG(t.seed), device, t.batch_size, parts=t.parts, seed=t.seed, **how)

    def shapes(self, recipe: Any, V: int) -> LayerShapes:
        return LayerShapes(gpt_shapes(self.config(recipe, V)))

    def moment_shapes(self, recipe: Any, V: int) -> Shapes:
        shapes, muon = super().moment_shapes(recipe, V), recipe.optimizer.name == "muon"
        without = {name for name, shape in shapes.items() if muon and is_inner(name.removeprefix("v."), shape)}
        return {name: shape for name, shape in shapes.items() if name not in without}

    def optimizer(self, nn: ModuleType, recipe: Any, model: Any) -> Any:
        o = recipe.optimizer
        if registry.is_torch(nn) and hasattr(model, "gpt"):  # the module has optimizers of its own
            make, parameters = getattr(registry.gpt(), OPTIMIZERS[o.name]), dict(model.gpt.named_parameters())
            return make(parameters, o.lr, (o.beta1, o.beta2), o.weight_decay, o.decay, o.clip)
        how = o.lr, (o.beta1, o.beta2), o.weight_decay, o.decay, o.clip, o.name
        return ParameterGroups(nn, model.parameters(), *how, **_precision(recipe))

    def fit(self, recipe: Any, model: Any, dataset: Any) -> None:
        """Of microgpt the weights that Python's generator draws, after it has shuffled the documents."""
        if recipe.model.shape == "microgpt":
            rng = microgpt.shuffled(recipe.train.seed, dataset)
            model.load_parameters(microgpt.weights(rng, self.shapes(recipe, dataset.tokenizer.vocab_size).parameters))

    def config(self, recipe: Any, V: int) -> GPTConfig:
        """The sizes and switches of the recipe's model."""
        m = recipe.model
        return SHAPES[m.shape](
            vocab_size=V,
            context_length=m.context_length,
            n_layer=m.n_layer,
            n_head=m.n_head,
            n_embd=m.n_embd,
            dropout=m.dropout,
            embedding_dropout=m.embedding_dropout,
            attention=m.attention,
            dtype=m.dtype,
        )


def _check_documents(recipe: Any) -> None:
    """Raises UsageError for what makes no sense with documents."""
    if recipe.model.context_length == 1:
        raise UsageError("model.context_length = 1 shows of a document only its start; take 2 or more")
    if recipe.train.evaluation == "batches":
        raise UsageError("train.evaluation = 'batches' counts windows, and documents have none; take all")


def _asked_of_torch(recipe: Any) -> Iterator[str]:
    """What the recipe asks for that only nnz.gpt has, and torchrun."""
    for key, usual in (("parts", 1), ("autocast", "off"), ("compile", "off"), ("deterministic", False)):
        value = getattr(recipe.train, key)
        if value not in (usual, "auto"):
            yield f"train.{key} = {value!r}"
    if is_one_of_several():
        yield "torchrun"


MODELS: dict[str, Kind] = {  # by `model.kind` in a recipe
    "mlp": MLP(),
    "bigram": Layered(ladder.bigram),
    "bigram-counts": Counted(ladder.bigram, "model.smoothing"),
    "mlp-batchnorm": Layered(ladder.mlp_batchnorm, *WIDTHS),
    "residual": Layered(ladder.residual, *WIDTHS, *DEPTH, ablations={"skips": "skips", "batch_norm": "BatchNorm"}),
    "wavenet": Layered(ladder.wavenet, *WIDTHS),
    "gpt": GPT(),
}
RUNGS = {name: kind.layers for name, kind in MODELS.items() if isinstance(kind, Layered)}


def _draw(recipe: Any) -> dict[str, Any]:
    """What decides the initial weights besides their shapes."""
    return {"rng": RNG(recipe.train.seed), "dtype": recipe.model.dtype, **_precision(recipe)}


def _precision(recipe: Any) -> dict[str, str]:
    """The precision as an argument, and nothing for the native one: another's backend may know no other."""
    return {} if recipe.model.precision == NATIVE else {"precision": recipe.model.precision}
